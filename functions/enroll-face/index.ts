import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import {
  enrolmentExample,
  enrolmentFields,
  enrolmentOutput,
  enrolmentRequest,
  enrolOnce,
  leftOutMessage,
  presentEnrolment,
} from '../../shared/gallery/enrol-request.ts';

export default defineFunction(
  {
    name: 'enroll-face',
    summary: 'Enrol the faces of a photo',
    description:
      'The platform adds the main face of the photo to the gallery: the biggest face that no edge of the photo cuts. With `enable_multi_face`, it adds every face; of a crowd, it adds the biggest faces, and `limit_reached` is true. The main face belongs to the person that `person_id` or `external_id` names; if this person does not exist, the platform creates it. Without both ids, the face belongs to no person, unless `auto_associate` finds its person. If you enrol the same photo again, nothing changes and the response has the same ids. A face in a photo belongs to one person only, even if you enrol it with several model packs.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/enroll', scope: 'faces:write' },
    body: enrolmentFields,
    image: 'required',
    output: enrolmentOutput,
    status: 201,
    errors: [
      'NO_FACE',
      'QUOTA_EXCEEDED',
      'FACE_REJECTED',
      'AMBIGUOUS_FACE',
      'STRATEGY_UNAVAILABLE',
      'EXTERNAL_ID_TAKEN',
      'FACE_OF_OTHER_PERSON',
      'PERSON_NOT_FOUND',
      'CONSENT_REQUIRED',
    ],
    examples: {
      request: { external_id: 'ada', name: 'Ada Lovelace' },
      response: enrolmentExample,
    },
    uses: ['records', 'vectors', 'images', 'extractor', 'accounts'],
    emits: ['freeface.person.created.v1', 'freeface.face.enrolled.v1'],
    ...sizes.vision,
  },
  async ({ body, image, ...call }, ports) => {
    const result = await enrolOnce(enrolmentRequest(body, image, call.clock.now()), 'direct', call, ports);
    const message = leftOutMessage(result);
    return {
      status: result.faces.some(({ created }) => created) ? 201 : 200,
      ...(message === undefined ? {} : { message }),
      data: presentEnrolment(result),
    };
  },
);

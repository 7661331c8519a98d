import * as z from 'zod';
import { facesLeftOut, limitReached } from '../../shared/api/crowds.ts';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'detect-faces',
    summary: 'Find the faces in a photo',
    description:
      'The response lists all faces, the biggest first, with landmarks, pose and quality. For a crowd, it lists the biggest faces only, and `limit_reached` is true: crop the photo to find the others. The platform stores nothing. If the photo shows no face, the list is empty.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/detect', scope: 'faces:read' },
    body: z.object({ strategy: wire.strategy }),
    image: 'required',
    output: z.object({
      image: z.object({ width: z.number().int(), height: z.number().int() }),
      faces: z.array(wire.detectedFace),
      limit_reached: limitReached,
      left_out: facesLeftOut,
    }),
    errors: ['STRATEGY_UNAVAILABLE'],
    examples: {
      request: {},
      response: {
        image: { width: 1000, height: 667 },
        faces: [examples.detectedFace],
        limit_reached: false,
        left_out: 0,
      },
    },
    uses: ['extractor'],
    ...sizes.vision,
  },
  async ({ body, image, signal }, { extractor }) => {
    const {
      image: facts,
      faces,
      facesLeftOut: leftOut,
    } = await extractor.extract(image, { pack: body.strategy, embed: false, signal });
    return {
      data: {
        image: { width: facts.width, height: facts.height },
        faces: faces.map(wire.presentDetectedFace),
        limit_reached: leftOut > 0,
        left_out: leftOut,
      },
    };
  },
);

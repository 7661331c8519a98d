import { enrolmentJobs } from '../../shared/domain/tuning.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { processEnrolment } from '../../shared/gallery/enrolment-jobs.ts';

export default defineFunction(
  {
    name: 'process-enrollment-critical',
    summary: 'Process enrolment jobs of critical priority',
    trigger: {
      kind: 'event',
      type: 'freeface.enrollment.requested.v1',
      topic: 'freeface.enrollments.critical',
      delivery: enrolmentJobs.delivery,
    },
    uses: ['records', 'vectors', 'images', 'extractor', 'accounts', 'audit', 'uploads'],
    emits: [
      'freeface.enrollment.completed.v1',
      'freeface.enrollment.failed.v1',
      'freeface.enrollment.cancelled.v1',
      'freeface.person.created.v1',
      'freeface.face.enrolled.v1',
      'freeface.face.erased.v1',
    ],
    ...sizes.vision,
    concurrency: enrolmentJobs.concurrency.critical,
  },
  processEnrolment,
);

import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs } from '../domain/tuning.ts';
import { defineFunction } from '../function/define.ts';
import { sizes } from '../function/sizes.ts';
import { processEnrolment } from './process-enrolment.ts';

/** The function that does the enrolment jobs of one priority. Each priority has its own topic and its own service. */
export const enrolmentLane = (priority: Priority) =>
  defineFunction(
    {
      name: `process-enrollment-${priority}`,
      summary: `Process enrolment jobs of ${priority} priority`,
      trigger: {
        kind: 'event',
        type: 'freeface.enrollment.requested.v1',
        topic: `freeface.enrollments.${priority}`,
        delivery: enrolmentJobs.delivery,
        // `uploads` is not needed by every job.
        needs: ['records', 'images', 'extractor', 'vectors', 'accounts', 'audit'],
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
      concurrency: enrolmentJobs.concurrency[priority],
    },
    processEnrolment,
  );

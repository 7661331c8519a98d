import { enrolmentLane } from '../../shared/gallery/enrolment-lane.ts';

export default enrolmentLane('critical');

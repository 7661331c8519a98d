/** Lanes of asynchronous enrolment, most urgent first. Each has a topic and a worker of its own. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

/** Lanes of asynchronous enrolment, the most urgent first. Each lane has its own topic and its own worker. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

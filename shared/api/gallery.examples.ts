/** Example responses for the API page, from a real run. */

export const faceId = '1ca19c9b-1521-5cf0-b3e8-373f9bdf2491';
export const personId = '01a20d7d-5463-74f0-9d9f-eeae117700f8';
export const jobId = '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c11';
export const imageId = 'fd494fe4-009e-5cc1-911b-a43ca874d394';

export const detectedFace = {
  box: { left: 361, top: 144, width: 269, height: 269 },
  confidence: 0.9565,
  landmarks: {
    left_eye: { x: 438.4, y: 213.1 },
    right_eye: { x: 545, y: 212 },
    nose: { x: 491.4, y: 275.7 },
    mouth_left: { x: 435.2, y: 319.3 },
    mouth_right: { x: 550.5, y: 318.3 },
  },
  quality: { score: 1, reasons: [] },
  pose: { yaw: -1.1, pitch: -14.8, roll: -0.6 },
};

export const appearance = {
  face_id: faceId,
  image_id: imageId,
  at: '2026-05-01T10:00:00.000Z',
  captured_at: '2026-05-01T10:00:00.000Z',
  location: { lat: 52.52, lon: 13.405 },
  source_id: 'camera-1',
  similarity: null,
};

export const recognizedFace = {
  box: { left: 182, top: 305, width: 319, height: 319 },
  decision: 'match',
  similarity: 0.802,
  person: { person_id: personId, external_id: 'ada', name: 'Ada Lovelace' },
};

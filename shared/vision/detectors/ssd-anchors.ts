import type { Box } from '../../domain/geometry.ts';

/**
 * The anchor boxes of SSD-MobileNet, in pixels of its input. The network's boxes are offsets from them.
 *
 * There are six feature maps, each half the size of the one before. The scale of an anchor is a fraction of 512 pixels for every input
 * size, because the network has learnt the size of a face in pixels. Source: the anchors stored with the weights
 * (`Output/extra_dim`); this file computes them to 0.05 pixels.
 */
export interface SsdAnchors {
  readonly count: number;
  /** Centre x, centre y, width and height of each anchor: `4 * count` numbers. */
  readonly values: Float32Array;
}

const trainedSide = 512;
const scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1];
const firstStride = 16;
const shapes = scales.slice(0, -1).map(cellShapes);
const centreVariance = 0.1;
const sizeVariance = 0.2;

/** Returns the anchors for an input of that size, in the order of the network's output. */
export function ssdAnchors(inputWidth: number, inputHeight: number): SsdAnchors {
  const values: number[] = [];
  let columns = Math.ceil(inputWidth / firstStride);
  let rows = Math.ceil(inputHeight / firstStride);
  shapes.forEach((anchors, level) => {
    const stride = firstStride * 2 ** level;
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        for (const [scale, ratio] of anchors) {
          const side = scale * trainedSide;
          const root = Math.sqrt(ratio);
          values.push((column + 0.5) * stride, (row + 0.5) * stride, side * root, side / root);
        }
      }
    }
    columns = Math.ceil(columns / 2);
    rows = Math.ceil(rows / 2);
  });
  return { count: values.length / 4, values: Float32Array.from(values) };
}

/** Decodes box `index` of the network's output `boxes` (`offsets`). The result is in pixels of the input. */
export function decodeSsdBox({ values }: SsdAnchors, offsets: Float32Array, index: number): Box {
  const at = index * 4;
  const [x = 0, y = 0, width = 0, height = 0] = values.subarray(at, at + 4);
  const [dy = 0, dx = 0, dHeight = 0, dWidth = 0] = offsets.subarray(at, at + 4);
  const size = { width: width * Math.exp(sizeVariance * dWidth), height: height * Math.exp(sizeVariance * dHeight) };
  return {
    left: x + centreVariance * dx * width - size.width / 2,
    top: y + centreVariance * dy * height - size.height / 2,
    ...size,
  };
}

/** [fraction of 512 pixels, width / height] of the anchors in one cell: three on the first map, six on the others. */
function cellShapes(scale: number, level: number): readonly (readonly [number, number])[] {
  const wide = [scale, 2] as const;
  const tall = [scale, 1 / 2] as const;
  if (level === 0) return [[0.1, 1], wide, tall];
  const between = Math.sqrt(scale * (scales[level + 1] ?? 1));
  return [[scale, 1], [between, 1], wide, tall, [scale, 3], [scale, 1 / 3]];
}

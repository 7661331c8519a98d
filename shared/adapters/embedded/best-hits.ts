/** A template that was compared with the probe. */
interface Candidate {
  readonly slot: number;
  readonly faceId: string;
  readonly cosine: number;
}

/** The `limit` nearest candidates; the face id decides ties. */
export interface BestHits {
  /** A candidate with a lower cosine cannot enter the list; one with an equal cosine can. */
  readonly bar: number;
  offer(candidate: Candidate): void;
  /** Nearest first. */
  sorted(): Candidate[];
}

/** A heap; the worst hit is at the top. */
export function createBestHits(limit: number, minCosine: number): BestHits {
  const heap: Candidate[] = [];
  let bar = minCosine;

  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  const rise = (from: number): void => {
    for (let child = from; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!nearer(heap[parent]!, heap[child]!)) return;
      swap(parent, child);
      child = parent;
    }
  };
  const sink = (): void => {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const right = left + 1;
      let worst = parent;
      if (left < heap.length && nearer(heap[worst]!, heap[left]!)) worst = left;
      if (right < heap.length && nearer(heap[worst]!, heap[right]!)) worst = right;
      if (worst === parent) return;
      swap(worst, parent);
      parent = worst;
    }
  };

  return {
    get bar() {
      return bar;
    },
    offer(candidate) {
      if (candidate.cosine < minCosine) return;
      if (heap.length < limit) {
        heap.push(candidate);
        rise(heap.length - 1);
      } else if (nearer(candidate, heap[0]!)) {
        heap[0] = candidate;
        sink();
      } else {
        return;
      }
      if (heap.length === limit) bar = heap[0]!.cosine;
    },
    sorted: () => heap.toSorted((a, b) => (nearer(a, b) ? -1 : 1)),
  };
}

const nearer = (a: Candidate, b: Candidate): boolean =>
  a.cosine > b.cosine || (a.cosine === b.cosine && a.faceId < b.faceId);

/** A chunk is cut in two beyond this; small enough to insert into, large enough to keep the chunks few. */
const LONGEST_CHUNK = 512;

/** Row keys in ordinal order: by UTF-16 units, which is how JavaScript and Table Storage compare. */
export interface OrderedKeys {
  /** Adds a key that is not among them. */
  add(key: string): void;
  /** Removes a key that is among them. */
  remove(key: string): void;
  /** The keys from `bound`, included, to the end. Not to be gone on with after a change. */
  from(bound: string): Iterable<string>;
}

/** Makes an empty set of ordered keys. Adding and removing move at most one chunk, however many keys there are. */
export function createOrderedKeys(): OrderedKeys {
  const chunks: string[][] = [[]];

  /** The last chunk that begins at or before `key`, or the first one. */
  const chunkOf = (key: string): number => {
    const behind = firstPlace(chunks.length, (place) => (chunks[place]?.[0] ?? "") > key);
    return Math.max(0, behind - 1);
  };

  return {
    add(key) {
      const at = chunkOf(key);
      const chunk = chunks[at] ?? [];
      chunk.splice(placeIn(chunk, key), 0, key);
      if (chunk.length > LONGEST_CHUNK) {
        chunks.splice(at + 1, 0, chunk.splice(LONGEST_CHUNK / 2));
      }
    },

    remove(key) {
      const at = chunkOf(key);
      const chunk = chunks[at] ?? [];
      chunk.splice(placeIn(chunk, key), 1);
      if (chunk.length === 0 && chunks.length > 1) {
        chunks.splice(at, 1);
      }
    },

    *from(bound) {
      const at = chunkOf(bound);
      const first = chunks[at] ?? [];
      yield* first.slice(placeIn(first, bound));
      for (let place = at + 1; place < chunks.length; place += 1) {
        yield* chunks[place] ?? [];
      }
    },
  };
}

/** Where `key` stands in a chunk, or would. */
function placeIn(chunk: readonly string[], key: string): number {
  return firstPlace(chunk.length, (place) => (chunk[place] ?? "") >= key);
}

/** The first place below `length` where `holds` does, or `length`; where it held once, it holds for all behind. */
function firstPlace(length: number, holds: (place: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

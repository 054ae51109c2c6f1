/** Where time comes from: the composition root gives the real one, tests a fake one. */
export interface Clock {
  /** The present moment. */
  now(): Date;
}

/** Where randomness comes from: `hex(n)` gives n lower-case hexadecimal digits. */
export interface Randomness {
  hex(digits: number): string;
}

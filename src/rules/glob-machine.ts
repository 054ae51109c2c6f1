/** A compiled pattern. */
export interface GlobMachine {
  /** Places in the pattern: one character of a text costs at most so many steps. */
  readonly size: number;
  /** Does the whole text match, in any casing of ASCII letters? `step` is told of each step. An empty text never matches. */
  matches(text: string, step?: () => void): boolean;
}

type Takes = (code: number) => boolean;

/** A place in the pattern: the character that it takes (null: a mere fork, or the end), and the places after it. */
interface Place {
  readonly takes: Takes | null;
  readonly next: Place[];
}

const SLASH = 0x2f;
const PARTS = /\{([^{}]*)\}|\[([^[\]]*)\]|(\/\*\*$|(?<=^|\/)\*\*(?:\/|$))|\*+|[\s\S]/g;

/**
 * Compiles a pattern that `globFault` found good. All places to which a text may have come are followed at once, so that
 * a match costs the length of the text times that of the pattern, whatever stands in either; an expression that tries
 * and goes back may take twice as long for each choice more.
 */
export function globMachine(pattern: string): GlobMachine {
  const end: Place = { takes: null, next: [] };
  const parts = [...pattern.matchAll(PARTS)];
  return machineOf(
    parts.reduceRight((next, part) => placeOf(part, next), end),
    end,
  );
}

function placeOf([text = "", choices, letters, segments]: RegExpMatchArray, next: Place): Place {
  if (choices !== undefined) return fork(...choices.split(",").map((choice) => literal(choice, next)));
  if (letters !== undefined) return { takes: anyOf(letters), next: [next] };
  // Whole segments, none of them included.
  if (segments === "**") return many(anything, next);
  if (segments === "**/") return fork(next, many(anything, literal("/", next)));
  if (segments === "/**") return fork(next, literal("/", many(anything, next)));
  if (text.startsWith("*")) return many(notSlash, next);
  return text === "?" ? { takes: notSlash, next: [next] } : literal(text, next);
}

function literal(text: string, next: Place): Place {
  return Array.from(text).reduceRight<Place>(
    (after, character) => ({
      takes: within(character.charCodeAt(0), character.charCodeAt(0)),
      next: [after],
    }),
    next,
  );
}

function fork(...next: Place[]): Place {
  return { takes: null, next };
}

function many(takes: Takes, next: Place): Place {
  const again: Place[] = [next];
  const place = { takes: null, next: again };
  again.push({ takes, next: [place] });
  return place;
}

/** Letters and ranges as `globFault` lets them stand in brackets. */
function anyOf(letters: string): Takes {
  const ranges = [...letters.matchAll(/(.)-(.)|(.)/g)].map(([text, from = text, to = from]) =>
    within(from.charCodeAt(0), to.charCodeAt(0)),
  );
  return (code) => ranges.some((range) => range(code));
}

function within(from: number, to: number): Takes {
  return (code) => {
    const other = otherCase(code);
    return (code >= from && code <= to) || (other >= from && other <= to);
  };
}

/** The same ASCII letter in the other casing; anything else is itself. */
function otherCase(code: number): number {
  if (code >= 65 && code <= 90) return code + 32;
  return code >= 97 && code <= 122 ? code - 32 : code;
}

function notSlash(code: number): boolean {
  return code !== SLASH;
}

function anything(): boolean {
  return true;
}

/** The places as numbers, so that a match needs no memory but a list: 0 is the end. */
function machineOf(start: Place, end: Place): GlobMachine {
  const numbers = new Map<Place, number>([[end, END]]);
  const takes: Takes[] = [() => false];
  const after: (readonly number[])[] = [[]];
  const numbersFrom = (place: Place) => reached(place, end).map(numberOf);
  const numberOf = (place: Place): number => {
    const known = numbers.get(place);
    if (known !== undefined) return known;
    const number = takes.length;
    numbers.set(place, number);
    takes.push(place.takes ?? (() => false));
    after.push([]);
    after[number] = place.next.flatMap(numbersFrom);
    return number;
  };
  const first = numbersFrom(start);
  // The round in which a place was last entered: nothing is entered twice for one character.
  const entered = new Float64Array(takes.length);
  let round = 0;
  const advance = (places: readonly number[], code: number, step?: () => void): readonly number[] => {
    round += 1;
    const next: number[] = [];
    for (const place of places) {
      step?.();
      if (takes[place]?.(code) !== true) continue;
      for (const one of after[place] ?? []) {
        if (entered[one] !== round) next.push(one);
        entered[one] = round;
      }
    }
    return next;
  };
  return {
    size: takes.length,
    matches(text, step) {
      let places: readonly number[] = first;
      for (let index = 0; index < text.length && places.length > 0; index++) {
        places = advance(places, text.charCodeAt(index), step);
      }
      return text !== "" && places.includes(END);
    },
  };
}

const END = 0;

/** The places that take a character, and the end, to which one comes from here without taking any. */
function reached(start: Place, end: Place): Place[] {
  const seen = new Set<Place>();
  const open = [start];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    if (place.takes === null) open.push(...place.next);
  }
  return [...seen].filter((place) => place.takes !== null || place === end);
}

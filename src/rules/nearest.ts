/** The known word that is meant by a misspelt one, or null where none is near (two letters or a third of them wrong, at most). */
export function nearest(word: string, known: readonly string[]): string | null {
  const folded = word.toLowerCase();
  const best = known
    .map((candidate) => ({ candidate, away: distance(folded, candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away)[0];
  return best !== undefined && best.away < word.length && best.away <= allowed(best.candidate)
    ? best.candidate
    : null;
}

/** Two letters exchanged are two wrong ones. */
function allowed(candidate: string): number {
  return Math.max(2, Math.floor(candidate.length / 3));
}

/** Letters to insert, remove or replace to make one word of the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, wanted] of [...to].entries()) {
      next.push(
        Math.min(
          (row[column] ?? 0) + (letter === wanted ? 0 : 1),
          (row[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
        ),
      );
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

import type { z } from "zod";
import { type Api, understood } from "./api.ts";
import { Stop } from "./stop.ts";

/**
 * The pages of something that the API gives page by page, each as its schema has it. Raises `Stop`, also where the pages
 * run in a circle.
 */
export async function* pages<T extends { readonly next?: string | null | undefined }>(
  api: Api,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  schema: z.ZodType<T>,
): AsyncGenerator<T> {
  const seen = new Set<string>();
  let after: string | undefined;
  do {
    const page = understood(schema, await api.get(path, { ...query, after }));
    yield page;
    after = page.next ?? undefined;
    if (after !== undefined && seen.has(after))
      throw new Stop(1, "the pages of the answer run in a circle; use the command of the app's version");
    if (after !== undefined) seen.add(after);
  } while (after !== undefined);
}

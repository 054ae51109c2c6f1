import { z } from "zod";
import type { RawObject } from "../../model/evidence-source.ts";
import type { ApiCall } from "./api-call.ts";
import { StrangeAnswer } from "./classify-error.ts";
import type { RawGet } from "./raw-get.ts";

/** Objects of one page of a list. */
export const RAW_LIST_LIMIT = 500;
/** An object is kept in etcd, which takes 1.5 MiB; a page of large ones is cut here, and then no answer. */
const MOST_OBJECT_BYTES = 4 * 1024 * 1024;
const MOST_LIST_BYTES = 32 * 1024 * 1024;

const objectSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional(), uid: z.string().min(1) }),
});
const listSchema = z.object({
  kind: z.string(),
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(objectSchema).nullish(),
});

type Place = Omit<ApiCall, "verb">;

/** One object as the API server has it, without `managedFields`. Raises `StrangeAnswer` where it is another. */
export async function rawObject(raw: RawGet, of: Place, kind: string): Promise<RawObject> {
  const parsed = objectSchema.safeParse(await json(raw, pathOf(of), MOST_OBJECT_BYTES));
  const { metadata } = parsed.data ?? {};
  const isIt =
    parsed.data?.["kind"] === kind && metadata?.name === of.name && metadata?.namespace === of.namespace;
  if (parsed.data === undefined || !isIt) throw new StrangeAnswer(`The answer is not ${kind} ${of.name}.`);
  return withoutManagers(parsed.data);
}

/** One page of a list, and the token of the next; empty at the end. Raises `StrangeAnswer` where it is no such list. */
export async function rawItems(
  raw: RawGet,
  of: Place,
  kind: string,
  query: Readonly<Record<string, string>>,
): Promise<{ readonly items: readonly RawObject[]; readonly next: string }> {
  const path = `${pathOf(of)}?${new URLSearchParams(query).toString()}`;
  const { data } = listSchema.safeParse(await json(raw, path, MOST_LIST_BYTES));
  if (data?.kind !== kind) throw new StrangeAnswer(`The answer is not a ${kind}.`);
  return { items: (data.items ?? []).map(withoutManagers), next: data.metadata.continue ?? "" };
}

/** The path of an object or a collection; whoever calls has checked the names. */
export function pathOf({ apiGroup, version = "v1", resource, namespace, name }: Place): string {
  const [plural = "", subresource] = resource.split("/");
  const parts = [
    ...(apiGroup === "" ? ["api", version] : ["apis", apiGroup, version]),
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

async function json(raw: RawGet, path: string, most: number): Promise<unknown> {
  const { bytes, cut } = await raw(path, most);
  if (cut) throw new StrangeAnswer("The answer is longer than such an answer can be.");
  return JSON.parse(new TextDecoder().decode(bytes));
}

function withoutManagers(object: z.infer<typeof objectSchema>): RawObject {
  const { managedFields: _managers, ...metadata } = object.metadata;
  return { ...object, metadata };
}

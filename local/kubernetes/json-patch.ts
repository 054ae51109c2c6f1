import { isObject, type Json, sameJson } from "./json-value.ts";
import { badRequest, patchRejected } from "./status-error.ts";

type Container = { parent: Json; key: string };

/**
 * Applies an RFC 6902 patch to a copy. A failed `test`, a missing path or a bad index all raise the same 422
 * with empty details: the real server does not say which operation failed. Raises 400 for no list.
 */
export function applyJsonPatch(document: Json, patch: Json): Json {
  if (!Array.isArray(patch)) {
    const found = patch === null ? "null" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${found} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  const root: Json = { root: structuredClone(document) };
  for (const operation of patch) {
    if (!isObject(operation)) throw badRequest("error decoding patch: json: cannot unmarshal an operation");
    const { op, path, from, value } = operation;
    applyOperation(root, op, tokens(path), () => tokens(from), value);
  }
  return root["root"] ?? null;
}

function applyOperation(
  root: Json,
  op: Json | undefined,
  path: string[],
  from: () => string[],
  value?: Json,
): void {
  switch (op) {
    case "test":
      // A test against null holds for an absent member too, as in the library that the server uses.
      locate(root, path);
      if (!sameJson(find(root, path) ?? null, value ?? null)) throw patchRejected();
      return;
    case "add":
      put(locate(root, path), structuredClone(value ?? null), true);
      return;
    case "replace":
      if (find(root, path) === undefined) throw patchRejected();
      put(locate(root, path), structuredClone(value ?? null), false);
      return;
    case "remove":
      remove(root, path);
      return;
    case "move":
    case "copy": {
      const source = find(root, from());
      if (source === undefined) throw patchRejected();
      if (op === "move") remove(root, from());
      put(locate(root, path), structuredClone(source), true);
      return;
    }
    default:
      throw patchRejected();
  }
}

function tokens(pointer: Json | undefined): string[] {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) throw patchRejected();
  const parts = pointer.split("/").slice(1);
  return ["root", ...parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))];
}

function find(root: Json, path: string[]): Json | undefined {
  let current: Json | undefined = root;
  for (const key of path) {
    if (Array.isArray(current)) current = /^\d+$/.test(key) ? current[Number(key)] : undefined;
    else if (isObject(current) && Object.hasOwn(current, key)) current = current[key];
    else return undefined;
  }
  return current;
}

function locate(root: Json, path: string[]): Container {
  const parent = find(root, path.slice(0, -1));
  if (parent === undefined || parent === null || typeof parent !== "object") throw patchRejected();
  return { parent, key: path.at(-1) ?? "" };
}

function put({ parent, key }: Container, value: Json, insert: boolean): void {
  if (!Array.isArray(parent)) {
    if (isObject(parent)) parent[key] = value;
    return;
  }
  const index = key === "-" ? parent.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index > parent.length) throw patchRejected();
  parent.splice(index, insert ? 0 : 1, value);
}

function remove(root: Json, path: string[]): void {
  if (find(root, path) === undefined) throw patchRejected();
  const { parent, key } = locate(root, path);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isObject(parent)) delete parent[key];
}

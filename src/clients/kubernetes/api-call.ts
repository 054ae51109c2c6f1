/** One call of the API, in the words of its access rules. */
export interface ApiCall {
  readonly verb: "get" | "list" | "create" | "patch" | "delete";
  readonly apiGroup: string;
  /** `v1` if not given. */
  readonly version?: string;
  /** With the subresource: `deployments/scale`. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** A few words for people: `patch pods shop/web-1`. */
export function describeCall({ verb, resource, namespace, name }: ApiCall): string {
  const object = [namespace, name].filter((part) => part !== undefined).join("/");
  return object === "" ? `${verb} ${resource}` : `${verb} ${resource} ${object}`;
}

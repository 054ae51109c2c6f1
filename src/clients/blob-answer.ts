/** What the blob service answered to a call that failed, as far as an error of its client tells. */
export interface BlobAnswer {
  /** Null where nobody answered. */
  readonly status: number | null;
  /** The service's own word, `BlobNotFound`; empty where there is none. */
  readonly code: string;
}

/** The answer in an error of the blob client. */
export function blobAnswer(error: unknown): BlobAnswer {
  const status = property(error, "statusCode");
  const code = property(error, "code") ?? property(property(error, "details"), "errorCode");
  return {
    status: typeof status === "number" ? status : null,
    code: typeof code === "string" ? code : "",
  };
}

/** Did the service say that there is no such blob? A missing container, or a page of some proxy, says something else. */
export function isNoBlob(error: unknown): boolean {
  const { status, code } = blobAnswer(error);
  return status === 404 && code === "BlobNotFound";
}

function property(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
}

import type { HttpLibrary } from "@kubernetes/client-node";

/**
 * How the client's requests go out: one request and its answer, as it is. The client's own would follow redirects, and
 * so repeat a change, with its body, at whatever address an answer names. Loads the library.
 */
export async function httpLibrary(): Promise<HttpLibrary> {
  const sdk = await import("./sdk.ts");
  const send: HttpLibrary["send"] = (request) => {
    const body = request.getBody();
    const signal = request.getSignal();
    const dispatcher = request.getDispatcher();
    if (signal === undefined || dispatcher === undefined || !(body === undefined || typeof body === "string"))
      throw new TypeError(
        "A request of the Kubernetes client has no time limit, no sockets or a strange body.",
      );
    const answer = sdk.fetch(request.getUrl(), {
      method: request.getHttpMethod(),
      headers: request.getHeaders(),
      ...(body === undefined ? {} : { body }),
      signal,
      dispatcher,
      redirect: "manual",
    });
    return sdk.from(
      answer.then((response) => {
        const headers = Object.fromEntries(response.headers);
        return new sdk.ResponseContext(response.status, headers, {
          text: () => response.text(),
          binary: async () => Buffer.from(await response.arrayBuffer()),
          stream: () => response.body,
        });
      }),
    );
  };
  return { send };
}

import { createServer, request } from "node:http";

/** What passed through: conditional batches are transactions, everything else reads. */
export interface CountingProxy {
  readonly url: string;
  /** Counts since the last call, and begins anew. `refused` transactions are among the transactions. */
  take(): { transactions: number; refused: number; reads: number };
  close(): Promise<void>;
}

/** A proxy on loopback in front of a table service, which counts what the real client sends. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const to = new URL(target);
  let [transactions, refused, reads] = [0, 0, 0];
  const server = createServer((incoming, outgoing) => {
    const isBatch = incoming.method === "POST" && (incoming.url ?? "").includes("$batch");
    const { method = "GET", url = "/", headers } = incoming;
    const onward = request({ host: to.hostname, port: to.port, method, path: url, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const body = Buffer.concat(chunks);
        if (isBatch) transactions += 1;
        else if (method === "GET") reads += 1;
        if (isBatch && /HTTP\/1\.1 4\d\d/.test(body.toString("latin1"))) refused += 1;
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
      });
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}${to.pathname}`,
    take: () => {
      const counts = { transactions, refused, reads };
      [transactions, refused, reads] = [0, 0, 0];
      return counts;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

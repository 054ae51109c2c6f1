import { createHttpHeaders, RestError } from "@azure/core-rest-pipeline";
import type { TablePolicy } from "./fault-bench.ts";

type Next = Parameters<TablePolicy["sendRequest"]>[1];
type Request = Parameters<Next>[0];
type Response = Awaited<ReturnType<Next>>;

/** A fault of the store as a policy of the client's pipeline, and how often it struck. */
interface BrokenTable {
  readonly policy: TablePolicy;
  struck(): number;
}

/** Faults of those transactions, counted from 1, that `of` takes; all of them unless told otherwise. */
function broken(
  strikes: (seen: number) => boolean,
  answer: (request: Request, next: Next) => Promise<Response>,
  of: (body: string) => boolean = () => true,
): () => BrokenTable {
  return () => {
    let seen = 0;
    let struck = 0;
    return {
      policy: {
        name: "broken store",
        sendRequest(request, next) {
          const isMeant =
            request.method === "POST" && request.url.includes("$batch") && of(String(request.body));
          if (isMeant) seen += 1;
          if (!(isMeant && strikes(seen))) return next(request);
          struck += 1;
          return answer(request, next);
        },
      },
      struck: () => struck,
    };
  };
}

const nobodyAnswers = async (request: Request): Promise<Response> => {
  throw new RestError("the test lost it", { code: "ECONNRESET", request });
};
const lost = async (request: Request, next: Next): Promise<Response> => {
  await next(request);
  return nobodyAnswers(request);
};
const unavailable = async (request: Request): Promise<Response> => ({
  request,
  status: 503,
  headers: createHttpHeaders({ "content-type": "text/plain" }),
  bodyAsText: "the server is busy",
});
const moved = async (request: Request): Promise<Response> => ({
  request,
  status: 412,
  headers: createHttpHeaders({ "content-type": "application/json" }),
  bodyAsText: JSON.stringify({
    "odata.error": {
      code: "UpdateConditionNotMet",
      message: { lang: "en-US", value: "The update condition specified in the request was not satisfied." },
    },
  }),
});
/** Only what demands a version can be refused for one. */
const isConditional = (body: string): boolean => /^if-match: (?!\*)/im.test(body);
/** What the client is told when it repeats a request that had arrived: its own success is in its way. */
const movedByItself = async (request: Request, next: Next): Promise<Response> => {
  await next(request);
  return moved(request);
};

/** What may happen to a store and its answers; each of them passes. */
export const brokenTables: Readonly<Record<string, () => BrokenTable>> = {
  "503 for the first three transactions": broken((seen) => seen <= 3, unavailable),
  "503 for every second transaction": broken((seen) => seen % 2 === 0 && seen < 12, unavailable),
  "the claim times out before it is there": broken((seen) => seen === 1, nobodyAnswers),
  "the answer of transaction 1 is lost": broken((seen) => seen === 1, lost),
  "the answer of transaction 2 is lost": broken((seen) => seen === 2, lost),
  "the answers of the first five transactions are lost": broken((seen) => seen <= 5, lost),
  "412 to the first five transactions": broken((seen) => seen <= 5, moved, isConditional),
  "412 to every second transaction": broken((seen) => seen % 2 === 1 && seen < 30, moved, isConditional),
  "412 by its own success, to the first five": broken((seen) => seen <= 5, movedByItself, isConditional),
  "412 by its own success, to every second": broken(
    (seen) => seen % 2 === 1 && seen < 30,
    movedByItself,
    isConditional,
  ),
  "every third answer is lost": broken((seen) => seen % 3 === 0 && seen < 20, lost),
};

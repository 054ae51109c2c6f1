import type { Documents } from "./documents.ts";
import { field, isJson, type Json } from "./json.ts";
import type { RunCommands } from "./run-commands.ts";

/** One request, as far as an answer depends on it. */
export interface ArmRequest {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly apiVersion: string;
  readonly body: unknown;
  /** Of the query, besides the version. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** How it is answered. */
export interface ArmAnswer {
  readonly status: number;
  readonly body: Json | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What answers are taken from. */
export interface ArmState {
  readonly documents: Documents;
  readonly commands: RunCommands;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly apiVersions: readonly string[];
  answer(state: ArmState, path: string, request: ArmRequest): ArmAnswer;
}

const ALERT =
  /^\/subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?\/providers\/Microsoft\.Security\/locations\/[^/]+\/alerts\/[^/]+$/i;
const ASSESSMENT = /^\/.+\/providers\/Microsoft\.Security\/assessments\/[^/]+$/i;
const FINDING = /^\/.+\/providers\/Microsoft\.Security\/assessments\/[^/]+\/subAssessments\/[^/]+$/i;
const TAGS = /^(\/subscriptions\/.+)\/providers\/Microsoft\.Resources\/tags\/default$/i;
const AKS =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerService\/managedClusters\/[^/]+$/i;
const AKS_USER = new RegExp(AKS.source.replace(/\$$/, "\\/listClusterUserCredential$"), "i");
const AKS_COMMAND = new RegExp(AKS.source.replace(/\$$/, "\\/runCommand$"), "i");
const AKS_RESULT = new RegExp(AKS.source.replace(/\$$/, "\\/commandResults\\/[^/]+$"), "i");
/** On a cluster of AKS or of Arc. */
export const FLUX =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/(?:Microsoft\.ContainerService\/managedClusters|Microsoft\.Kubernetes\/connectedClusters)\/[^/]+\/providers\/Microsoft\.KubernetesConfiguration\/fluxConfigurations\/[^/]+$/i;
const GRAPH = /^\/providers\/Microsoft\.ResourceGraph\/resources$/i;
/** The one query that is answered. */
const CHAIN_OF =
  /^resourcecontainers \| where type =~ 'microsoft\.resources\/subscriptions' \| where subscriptionId =~ '([0-9a-f-]{36})' \| project chain = properties\.managementGroupAncestorsChain$/;

const ROUTES: readonly Route[] = [
  { method: "GET", path: ALERT, apiVersions: ["2021-11-01", "2022-01-01"], answer: record },
  { method: "GET", path: FINDING, apiVersions: ["2019-01-01-preview"], answer: record },
  { method: "GET", path: ASSESSMENT, apiVersions: ["2021-06-01"], answer: record },
  { method: "GET", path: TAGS, apiVersions: ["2023-07-01"], answer: tags },
  { method: "GET", path: AKS, apiVersions: ["2024-02-01"], answer: managedCluster },
  { method: "POST", path: AKS_USER, apiVersions: ["2024-02-01"], answer: userCredential },
  { method: "POST", path: AKS_COMMAND, apiVersions: ["2024-02-01"], answer: runCommand },
  { method: "GET", path: AKS_RESULT, apiVersions: ["2024-02-01"], answer: commandResult },
  { method: "GET", path: FLUX, apiVersions: ["2023-05-01"], answer: fluxConfiguration },
  { method: "POST", path: GRAPH, apiVersions: ["2022-10-01"], answer: graph },
];

/** The answer to a request that has its token; Azure's own words of error for what there is not. */
export function answerTo(state: ArmState, request: ArmRequest): ArmAnswer {
  const served = ROUTES.filter(({ path }) => path.test(request.path));
  const route = served.find(({ method }) => method === request.method);
  if (route === undefined) {
    return served.length === 0
      ? fault(404, "InvalidResourceType", `The stand-in does not serve ${request.path}.`)
      : fault(405, "MethodNotAllowed", `${request.method} is not served there.`);
  }
  if (request.apiVersion === "")
    return fault(400, "MissingApiVersionParameter", "The api-version query parameter is required.");
  if (!route.apiVersions.includes(request.apiVersion)) {
    return fault(400, "InvalidApiVersionParameter", `Served are: ${route.apiVersions.join(", ")}.`);
  }
  return route.answer(state, request.path, request);
}

/** An error in the form of Resource Manager. */
export function fault(status: number, code: string, message: string): ArmAnswer {
  return { status, body: { error: { code, message } } };
}

function record({ documents }: ArmState, path: string): ArmAnswer {
  const found = documents.record(path);
  return found === null
    ? fault(404, "ResourceNotFound", `${path} was not found.`)
    : { status: 200, body: found };
}

function tags({ documents }: ArmState, path: string): ArmAnswer {
  const scope = TAGS.exec(path)?.[1] ?? "";
  const found = documents.tags(scope);
  if (found === null) return fault(404, "ResourceNotFound", `${scope} was not found.`);
  const id = `${scope}/providers/Microsoft.Resources/tags/default`;
  const body = { id, name: "default", type: "Microsoft.Resources/tags", properties: { tags: found } };
  return { status: 200, body };
}

function managedCluster({ documents }: ArmState, path: string): ArmAnswer {
  const found = documents.managedCluster(path);
  return found === null
    ? fault(404, "ResourceNotFound", `${path} was not found.`)
    : { status: 200, body: found.cluster };
}

function fluxConfiguration({ documents }: ArmState, path: string): ArmAnswer {
  const found = documents.fluxConfiguration(path);
  return found === null
    ? fault(404, "ResourceNotFound", `${path} was not found.`)
    : { status: 200, body: found };
}

function userCredential({ documents }: ArmState, path: string, { parameters = {} }: ArmRequest): ArmAnswer {
  const found = documents.managedCluster(path.slice(0, path.lastIndexOf("/")));
  if (found === null) return fault(404, "ResourceNotFound", `${path} was not found.`);
  // The other form is deprecated, and without one Azure gives that.
  if (parameters["format"] !== "exec")
    return fault(400, "BadRequest", "The stand-in gives the format exec only.");
  const value = Buffer.from(found.kubeconfig).toString("base64");
  return { status: 200, body: { kubeconfigs: [{ name: "clusterUser", value }] } };
}

function runCommand(
  { documents, commands }: ArmState,
  path: string,
  { body, apiVersion }: ArmRequest,
): ArmAnswer {
  const id = path.slice(0, path.lastIndexOf("/"));
  const found = documents.managedCluster(id);
  if (found === null) return fault(404, "ResourceNotFound", `${path} was not found.`);
  if (field(field(found.cluster["properties"], "apiServerAccessProfile"), "disableRunCommand") === true)
    return fault(400, "RunCommandDisabled", "Run command is disabled for this cluster.");
  const command = commands.begin(found.kubeconfig, body);
  return underWay(`${id}/commandResults/${command}?api-version=${apiVersion}`);
}

function commandResult({ commands }: ArmState, path: string, { apiVersion }: ArmRequest): ArmAnswer {
  const result = commands.result(path.slice(path.lastIndexOf("/") + 1));
  if (result === undefined) return fault(404, "NotFound", `${path} was not found.`);
  return result === null ? underWay(`${path}?api-version=${apiVersion}`) : { status: 200, body: result };
}

/** Azure names its own address, whoever asked; nobody is made to wait here. */
function underWay(path: string): ArmAnswer {
  const location = `https://management.azure.com${path}`;
  return { status: 202, body: null, headers: { location, "retry-after": "0" } };
}

function graph({ documents }: ArmState, _path: string, { body }: ArmRequest): ArmAnswer {
  const query = isJson(body) ? body["query"] : undefined;
  if (typeof query !== "string") return fault(400, "BadRequest", "The query is required.");
  const subscription = CHAIN_OF.exec(query)?.[1];
  if (subscription === undefined)
    return fault(
      400,
      "InvalidQuery",
      "The stand-in answers one query only: the management groups above a subscription.",
    );
  const groups = documents.managementGroups(subscription);
  const data =
    groups === null ? [] : [{ chain: groups.map((name) => ({ name, displayName: `Group ${name}` })) }];
  const count = data.length;
  return { status: 200, body: { totalRecords: count, count, resultTruncated: "false", data, facets: [] } };
}

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { field, isJson, type Json, textField } from "./json.ts";
import { type ArmRequest, FLUX } from "./routes.ts";

/** The official contracts, and what an exchange breaks of them. */
export interface Contracts {
  /** One sentence for each thing in which request and answer do not keep to the contract. */
  breaches(request: ArmRequest, answer: { readonly status: number; readonly body: unknown }): string[];
}

interface Operation {
  readonly method: string;
  readonly path: RegExp;
  readonly apiVersion: string;
  readonly requestBody: ValidateFunction | null;
  /** By status; `default` for every other. */
  readonly answers: ReadonlyMap<string, ValidateFunction | null>;
}

const FILES = [
  "security/resource-manager/Microsoft.Security/stable/2022-01-01/alerts.json",
  "security/resource-manager/Microsoft.Security/stable/2021-06-01/assessments.json",
  "security/resource-manager/Microsoft.Security/preview/2019-01-01-preview/subAssessments.json",
  "resourcegraph/resource-manager/Microsoft.ResourceGraph/stable/2022-10-01/resourcegraph.json",
  "containerservice/resource-manager/Microsoft.ContainerService/aks/stable/2024-02-01/managedClusters.json",
  "resources/resource-manager/Microsoft.Resources/stable/2023-07-01/resources.json",
];

/** Contracts that not every such folder has, and what is then not held against any. */
const FURTHER = [
  {
    file: "kubernetesconfiguration/resource-manager/Microsoft.KubernetesConfiguration/stable/2023-05-01/fluxconfiguration.json",
    path: FLUX,
  },
];

/**
 * The version that the SDK asks alerts for; its contract is not among the files. Reading an alert has the same path, and
 * the same fields or fewer, in the next version, which is.
 */
const READ_AS: Readonly<Record<string, string>> = { "2021-11-01": "2022-01-01" };

/** The contracts out of a folder with Microsoft's `specification` in it; null where it does not have them. */
export function openContracts(folder: string): Contracts | null {
  const root = join(folder, "specification");
  const wanted = FILES.map((file) => join(root, file));
  if (!wanted.every((file) => existsSync(file))) return null;
  const further = FURTHER.map(({ file, path }) => ({ file: join(root, file), path }));
  const absent = further.filter(({ file }) => !existsSync(file));
  const files = [...wanted, ...further.filter((one) => !absent.includes(one)).map(({ file }) => file)];
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true, logger: false });
  addFormats.default(ajv);
  for (const file of documentsUnder(root, files)) ajv.addSchema(schemaOf(file), pathToFileURL(file).href);
  const operations = files.flatMap((file) => operationsOf(ajv, file));
  return {
    breaches: (request, answer) =>
      absent.some(({ path }) => path.test(request.path)) ? [] : breachesOf(operations, request, answer),
  };
}

/** The files, and those that they refer to. */
function documentsUnder(root: string, files: readonly string[]): string[] {
  const all = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
  const shared = all.filter((name) =>
    /(?:^|\/)(?:common|common-types|types\.json|assessmentMetadata\.json)/.test(name),
  );
  return [...new Set([...files, ...shared.map((name) => join(root, name))])];
}

function schemaOf(file: string): Json {
  const cleaned = openEnded(JSON.parse(readFileSync(file, "utf8")));
  return isJson(cleaned) ? cleaned : {};
}

/** Without what is no rule: lists of words that may grow (`modelAsString`), and `object` where anything is meant. */
function openEnded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(openEnded);
  if (!isJson(value)) return value;
  const grows = field(value["x-ms-enum"], "modelAsString") === true;
  const isBare =
    value["type"] === "object" && Object.keys(value).every((name) => /^(?:type|description)$/.test(name));
  const isNullable = value["x-nullable"] === true && typeof value["type"] === "string";
  const kept = Object.entries(isNullable ? { ...value, type: [value["type"], "null"] } : value).filter(
    ([name]) =>
      !(
        name.startsWith("x-ms-") ||
        name === "discriminator" ||
        name === "example" ||
        (grows && name === "enum") ||
        (isBare && name === "type")
      ),
  );
  return Object.fromEntries(kept.map(([name, inner]) => [name, openEnded(inner)]));
}

function operationsOf(ajv: Ajv, file: string): Operation[] {
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  const apiVersion = textField(field(document, "info"), "version");
  const compiled = (pointer: string): ValidateFunction =>
    ajv.compile({ $ref: `${pathToFileURL(file).href}#${pointer}` });
  const paths = field(document, "paths");
  return Object.entries(isJson(paths) ? paths : {}).flatMap(([path, methods]) =>
    Object.entries(isJson(methods) ? methods : {})
      .filter(([method]) => method === "get" || method === "post")
      .map(([method, operation]) => {
        const at = `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D")}/${method}`;
        const parameters = field(operation, "parameters");
        const index = Array.isArray(parameters)
          ? parameters.findIndex((one) => textField(one, "in") === "body")
          : -1;
        const responses = field(operation, "responses");
        return {
          method: method.toUpperCase(),
          path: pathOf(path),
          apiVersion,
          requestBody: index < 0 ? null : compiled(`${at}/parameters/${index}/schema`),
          answers: new Map(
            Object.entries(isJson(responses) ? responses : {}).map(([status, answer]) => [
              status,
              field(answer, "schema") === undefined ? null : compiled(`${at}/responses/${status}/schema`),
            ]),
          ),
        };
      }),
  );
}

/** `{scope}` and `{resourceId}` at the beginning stand for many segments, every other name for one. */
function pathOf(template: string): RegExp {
  const source = template
    .split(/(\{[^}]+\})/)
    .map((part) => {
      if (/^\{(?:scope|resourceId)\}$/.test(part)) return ".+";
      return part.startsWith("{") ? "[^/]+" : part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${source}$`, "i");
}

function breachesOf(
  operations: readonly Operation[],
  request: ArmRequest,
  answer: { readonly status: number; readonly body: unknown },
): string[] {
  const what = `${request.method} ${request.path}`;
  const version = READ_AS[request.apiVersion] ?? request.apiVersion;
  // Where several paths fit, that with the fewest free segments is meant.
  const operation = operations
    .filter(({ method, path }) => method === request.method && path.test(request.path))
    .toSorted((first, second) => second.path.source.length - first.path.source.length)[0];
  if (operation === undefined) return [`${what}: no contract has it`];
  if (operation.apiVersion !== version)
    return [`${what}: api-version ${request.apiVersion} is not ${operation.apiVersion}`];
  const schema = operation.answers.has(String(answer.status))
    ? operation.answers.get(String(answer.status))
    : operation.answers.get("default");
  return [
    ...faultsOf(operation.requestBody, request.body, `${what}: request`),
    ...(schema === undefined
      ? [`${what}: the contract has no answer ${answer.status}`]
      : faultsOf(schema, answer.body, `${what}: answer ${answer.status}`)),
  ];
}

function faultsOf(validate: ValidateFunction | null, value: unknown, where: string): string[] {
  if (validate === null || validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${where}${instancePath} ${message}`);
}

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ROUTES, type Route } from "../../src/functions/routes.ts";
import { ROLES } from "../../src/model/caller.ts";
import { CLUSTER } from "../engine/world.ts";

const SETTINGS: Record<string, string> = {
  REFLEX_STATE:
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/a;",
  REFLEX_TENANT: "7e0a4c12-5d3b-4f86-9a1e-2b6c8d0f1357",
  REFLEX_AUDIENCE: "c1f5b3d7-0e92-4a68-8b47-6d2e9f10a3c5",
};
const HOST = new URL("../../local/functions-host/function-app.ts", import.meta.url).href;
const CONFIGURATION = "rules: [{ name: r, when: { kind: alert }, playbooks: [{ name: notify }] }]\n";
const routes: [string, Route][] = Object.entries(ROUTES);

/** The table of routes as docs/access.md shows it. */
function documented(): string[] {
  return routes.map(
    ([, { method, route, role }]) => `| ${method} | \`/api/${route}\` | ${role ?? "nobody is asked"} |`,
  );
}

const functionsSchema = z.array(
  z.object({
    name: z.string(),
    trigger: z.looseObject({
      type: z.string(),
      route: z.string().optional(),
      methods: z.unknown().optional(),
    }),
  }),
);

/** What the local functions host indexes of the built app, in a process of its own. */
async function indexed(configuration = CONFIGURATION): Promise<z.infer<typeof functionsSchema>> {
  const folder = await mkdtemp(join(tmpdir(), "reflex-routes-"));
  const file = join(folder, "reflex.yaml");
  await writeFile(file, configuration);
  const script = `
    const { loadFunctionApp } = await import(${JSON.stringify(HOST)});
    const app = await loadFunctionApp(${JSON.stringify(resolve("dist/main.js"))}, () => undefined);
    console.log(JSON.stringify([...app.functions.values()].map(({ name, trigger }) => ({ name, trigger }))));
    process.exit(0);`;
  const env = { PATH: process.env["PATH"], ...SETTINGS, REFLEX_CONFIG: file };
  try {
    const argv = ["--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
    return functionsSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(folder, { recursive: true });
  }
}

it.each([
  ["{ runCommand: true }", ["slow-sweep", "sweep"]],
  ["{ aks: entra }", ["sweep"]],
])("an app with a cluster by %s has the timers %j", async (connect, wanted) => {
  const functions = await indexed(
    `${CONFIGURATION}clusters: [{ name: prod, id: ${CLUSTER}, connect: ${connect} }]\n`,
  );
  const timers = functions.filter(({ trigger }) => trigger.type === "timerTrigger");
  expect(timers.map(({ name }) => name).toSorted()).toEqual(wanted);
});

describe("the table of routes and roles", () => {
  it("holds every HTTP function of the built app with its method and route, and no other", async () => {
    const registered = (await indexed())
      .filter(({ trigger }) => trigger.type === "httpTrigger")
      .map(({ name, trigger: { route, methods, authLevel } }) => [name, { route, methods, authLevel }]);
    const wanted = routes.map(([name, { route, method }]) => [
      name,
      { route, methods: [method], authLevel: "function" },
    ]);
    expect(Object.fromEntries(registered)).toEqual(Object.fromEntries(wanted));
  });

  it("asks for a role everywhere but for health, and for one of the four", () => {
    const open = routes.filter(([, { role }]) => role === null).map(([name]) => name);
    expect(open).toEqual(["health"]);
    const asked = new Set(routes.flatMap(([, { role }]) => role ?? []));
    expect(asked).toEqual(new Set(ROLES));
  });

  it("gives no way twice", () => {
    const ways = routes.map(([, { method, route }]) => `${method} ${route}`);
    expect(new Set(ways).size).toBe(ways.length);
  });

  it("stands in docs/access.md as it is", async () => {
    const text = await readFile("docs/access.md", "utf8");
    const shown = text.split("\n").filter((line) => /^\| (GET|POST) \|/.test(line));
    expect(shown.map((line) => line.split("|").slice(0, 4).join("|").concat("|"))).toEqual(documented());
  });
});

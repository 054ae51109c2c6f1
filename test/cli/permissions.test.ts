import { describe, expect, it } from "vitest";
import { enginePermissions } from "../../src/playbooks/base-permissions.ts";
import { clusterRole } from "../../src/playbooks/cluster-role.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { kubernetesRights } from "../../src/playbooks/kubernetes-rights.ts";
import { reflex } from "./terminal.ts";

const rule = (name: string, playbook: string, more = "") =>
  `  - { name: ${name}, when: { kind: alert }, playbooks: [{ name: ${playbook} }]${more} }\n`;
const RULES = `mode: enforce
rules:
${rule("one", "isolate-pod")}${rule("two", "scale-to-zero", ", mode: off")}${rule(
  "three",
  "block-image",
  ', mode: off, windows: [{ from: "20:00", to: "06:00", timezone: UTC, mode: approve }]',
)}`;
const files = {
  "reflex.yaml": RULES,
  "off.yaml": RULES.replace("mode: enforce", "mode: off"),
  "bad.yaml": "rules: [{ name: one }]\n",
};

/** The YAML for the playbooks of these names. */
const roleOf = (...names: string[]) =>
  clusterRole(kubernetesRights(playbooks.filter(({ name }) => names.includes(name))));

describe("reflex permissions", () => {
  it("prints the role of all playbooks where none is chosen", async () => {
    expect(await reflex(["permissions"])).toMatchObject({
      code: 0,
      err: "",
      out: clusterRole(kubernetesRights(playbooks)),
    });
  });

  it("takes the playbooks that the rules may use at some time, and not those of rules that are off", async () => {
    const { code, out } = await reflex(["permissions", "--config", "reflex.yaml"], { files });
    expect({ code, out }).toEqual({ code: 0, out: roleOf("isolate-pod", "block-image") });
    expect(out).not.toContain("scale-to-zero");
  });

  it("leaves the engine's reads where the whole file is off", async () => {
    const { out } = await reflex(["permissions", "--config", "off.yaml"], { files });
    expect(out).toBe(roleOf());
    expect(out).not.toMatch(/- (patch|create|delete)\b/);
  });

  it("adds those that people run by hand, whatever order they are named in", async () => {
    const added = await reflex(["permissions", "--config", "reflex.yaml", "--playbook", "scale-to-zero"], {
      files,
    });
    expect(added.out).toBe(roleOf("isolate-pod", "block-image", "scale-to-zero"));
    const named = await reflex(["permissions", "--playbook", "notify", "--playbook", "isolate-pod"]);
    expect(named.out).toBe(roleOf("isolate-pod", "notify"));
    expect(await reflex(["permissions", "--playbook", "isolate-pod", "--playbook", "notify"])).toMatchObject({
      out: named.out,
    });
  });

  it.each([["--format", "json"], ["--json"]])(
    "prints one line of JSON with the rights of each playbook and all together: %s",
    async (...flags) => {
      const { code, json } = await reflex(["permissions", "--playbook", "isolate-pod", ...flags]);
      expect(code).toBe(0);
      const isolatePod = playbooks.find(({ name }) => name === "isolate-pod");
      expect(json()).toEqual([
        {
          engine: enginePermissions(playbooks.filter(({ name }) => name === "isolate-pod")),
          playbooks: [{ name: "isolate-pod", kubernetes: isolatePod?.permissions.kubernetes }],
          merged: expect.arrayContaining([
            { apiGroup: "", resource: "pods", verbs: expect.arrayContaining(["get", "list", "patch"]) },
            {
              apiGroup: "cilium.io",
              resource: "ciliumnetworkpolicies",
              verbs: ["get", "list", "create", "delete"],
            },
          ]),
        },
      ]);
    },
  );

  it("answers 2 for a configuration that is wrong, and prints no role", async () => {
    expect(await reflex(["permissions", "--config", "bad.yaml"], { files })).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/^reflex: bad\.yaml:1:\d+ .*`reflex check bad\.yaml` lists/),
    });
  });
});

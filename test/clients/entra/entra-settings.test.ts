import { describe, expect, it } from "vitest";
import { entraSettings } from "../../../src/clients/entra/entra-settings.ts";

const TENANT = "7e0a4c12-5d3b-4f86-9a1e-2b6c8d0f1357";
const AUDIENCE = "c1f5b3d7-0e92-4a68-8b47-6d2e9f10a3c5";
const GOOD = {
  REFLEX_TENANT: TENANT.toUpperCase(),
  REFLEX_AUDIENCE: ` api://reflex/prod,${AUDIENCE.toUpperCase()} `,
};

const read = (env: Record<string, string | undefined>) => entraSettings((name) => env[name]);

describe("the settings by which callers are told apart", () => {
  it("name one tenant, its issuer and keys, and audiences", () => {
    const { keys, ...rest } = read(GOOD);
    expect(rest).toEqual({
      tenant: TENANT,
      audiences: ["api://reflex/prod", AUDIENCE],
      issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      easyAuth: false,
    });
    expect(keys.href).toBe(`https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`);
  });

  it("take keys from this machine in a local start only", () => {
    const local = { ...GOOD, REFLEX_LOCAL: "true", REFLEX_ISSUER_KEYS: "http://127.0.0.1:1/keys" };
    expect(read(local).keys.href).toBe("http://127.0.0.1:1/keys");
  });

  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ["no tenant", { REFLEX_TENANT: undefined }, /^REFLEX_TENANT is not set; the app does not start/],
    ["every tenant", { REFLEX_TENANT: "common" }, /^REFLEX_TENANT is common/],
    ["a domain", { REFLEX_TENANT: "contoso.com" }, /^REFLEX_TENANT is contoso\.com/],
    ["no audience", { REFLEX_AUDIENCE: " , " }, /^REFLEX_AUDIENCE is not set/],
    ["any audience", { REFLEX_AUDIENCE: "*" }, /^REFLEX_AUDIENCE is \*/],
    [
      "the audience of another service",
      { REFLEX_AUDIENCE: `${AUDIENCE},https://management.azure.com` },
      /^REFLEX_AUDIENCE is https:\/\/management/,
    ],
    [
      "keys from elsewhere in Azure",
      { REFLEX_ISSUER_KEYS: "http://127.0.0.1:1/keys" },
      /^REFLEX_ISSUER_KEYS is 127\.0\.0\.1:1; .*remove it/,
    ],
    [
      "keys from another machine in a local start",
      { REFLEX_LOCAL: "true", REFLEX_ISSUER_KEYS: "https://evil.example/keys" },
      /^REFLEX_ISSUER_KEYS is evil\.example/,
    ],
    [
      "keys from no address",
      { REFLEX_LOCAL: "true", REFLEX_ISSUER_KEYS: "keys" },
      /^REFLEX_ISSUER_KEYS is keys/,
    ],
    [
      "a local start in Azure",
      { REFLEX_LOCAL: "true", WEBSITE_INSTANCE_ID: "4a" },
      /^REFLEX_LOCAL is true; .*in Azure/,
    ],
    [
      "trust that is no answer",
      { REFLEX_TRUST_EASY_AUTH: "yes" },
      /^REFLEX_TRUST_EASY_AUTH is yes; .*true or false/,
    ],
    ["a local start that is no answer", { REFLEX_LOCAL: "1" }, /^REFLEX_LOCAL is 1; .*true or false/],
  ])("keep the app from starting with %s", (_what, over, words) => {
    expect(() => read({ ...GOOD, ...over })).toThrow(words);
    expect(() => read(GOOD)).not.toThrow();
  });
});

import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type EntraStandIn, LOCAL_PRINCIPALS, startEntra } from "../../../local/entra/index.ts";

const tokenSchema = z.object({ token: z.string() });

describe("the stand-in of Entra", () => {
  let entra: EntraStandIn;
  beforeAll(async () => {
    entra = await startEntra();
  });
  afterAll(() => entra.stop());

  it("gives a token to whoever knows where, for whom it is asked", async () => {
    for (const [name, { oid, roles }] of Object.entries(LOCAL_PRINCIPALS)) {
      const answer = await fetch(`${entra.tokenUrl}?as=${name}`);
      const { token } = tokenSchema.parse(await answer.json());
      expect(decodeJwt(token)).toMatchObject({ oid, roles });
      expect(decodeProtectedHeader(token).alg).toBe("RS256");
    }
    const unasked = tokenSchema.parse(await (await fetch(entra.tokenUrl)).json());
    expect(decodeJwt(unasked.token)["name"]).toBe("Ada (local)");
  });

  it.each([
    ["an address that nobody was told", () => `${entra.url}/token/0000`, 404],
    ["somebody whom it does not know", () => `${entra.tokenUrl}?as=eve`, 400],
    ["a name that every object has", () => `${entra.tokenUrl}?as=constructor`, 400],
  ])("gives none for %s", async (_what, url, status) => {
    const answer = await fetch(url());
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain("eyJ");
  });

  it("forges as an attacker would", async () => {
    const forged = await entra.token({ signing: "none", claims: { roles: ["Reflex.Admin"] } });
    expect(decodeProtectedHeader(forged).alg).toBe("none");
    expect(forged.endsWith(".")).toBe(true);
    const confused = await entra.token({ signing: "HS256 with the public key" });
    expect(decodeProtectedHeader(confused).alg).toBe("HS256");
  });
});

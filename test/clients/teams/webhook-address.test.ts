import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { webhookAddress } from "../../../src/clients/teams/webhook-address.ts";
import { Permanent } from "../../../src/model/errors.ts";

function failure(address: string, rules = {}): unknown {
  try {
    return webhookAddress(address, rules).host;
  } catch (error) {
    return error;
  }
}

describe("webhookAddress", () => {
  it.each([
    "https://prod-1.westeurope.logic.azure.com:443/workflows/w1?sig=secret",
    "https://Default1.0a.environment.api.powerplatform.com/powerautomate/automations/direct/w1?sig=secret",
  ])("lets a Teams workflow through: %s", (address) => {
    expect(failure(address)).not.toBeInstanceOf(Error);
  });

  it.each([
    ["no URL", "secret"],
    ["another host", "https://evil.example/?sig=secret"],
    ["a host that only looks alike", "https://evil-logic.azure.com/?sig=secret"],
    ["the suffix in front of another host", "https://x.logic.azure.com.evil.example/?sig=secret"],
    ["the bare suffix", "https://logic.azure.com/?sig=secret"],
    ["plain http", "http://prod-1.logic.azure.com/?sig=secret"],
    ["a host in front of @", "https://prod-1.logic.azure.com@evil.example/?sig=secret"],
    ["credentials", "https://me:secret@prod-1.logic.azure.com/"],
    ["the metadata endpoint", "http://169.254.169.254/?sig=secret"],
    ["this machine", "http://127.0.0.1:8080/?sig=secret"],
    ["another scheme", "file:///etc/secret"],
  ])("refuses %s without showing the address", (_name, address) => {
    const error = failure(address);

    expect(error).toBeInstanceOf(Permanent);
    expect(inspect(error)).not.toContain("secret");
  });

  it("lets this machine through only where that is asked for, and then nothing else", () => {
    const rules = { allowLoopback: true };

    expect(failure("http://127.0.0.1:8080/x", rules)).toBe("127.0.0.1:8080");
    expect(failure("http://[::1]:8080/x", rules)).toBe("[::1]:8080");
    expect(failure("http://localhost:8080/x", rules)).toBe("localhost:8080");
    expect(failure("http://10.0.0.1/x", rules)).toBeInstanceOf(Permanent);
    expect(failure("https://127.0.0.1.evil.example/x", rules)).toBeInstanceOf(Permanent);
  });

  it("takes the hosts that it is given instead of its own", () => {
    const rules = { allowHosts: ["hooks.Example.com", "*.flows.example.com"] };

    expect(failure("https://hooks.example.com/x", rules)).toBe("hooks.example.com");
    expect(failure("https://a.flows.example.com/x", rules)).toBe("a.flows.example.com");
    expect(failure("https://a.hooks.example.com/x", rules)).toBeInstanceOf(Permanent);
    expect(failure("https://prod-1.logic.azure.com/x", rules)).toBeInstanceOf(Permanent);
  });
});

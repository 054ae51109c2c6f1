import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { mailServer } from "../../../src/clients/mail/mail-server.ts";
import { Permanent } from "../../../src/model/errors.ts";

const LOCAL = { loopback: true, private: false };
const OUTSIDE = { loopback: false, private: false };

describe("mailServer", () => {
  it.each([
    ["smtp://mail.example.com", { host: "mail.example.com", port: 587, secure: false, requireTLS: true }],
    ["smtps://mail.example.com/", { host: "mail.example.com", port: 465, secure: true, requireTLS: false }],
    ["smtp://127.0.0.1:2525", { host: "127.0.0.1", port: 2525, secure: false, requireTLS: false }],
    ["smtp://[::1]:25", { host: "::1", port: 25, secure: false, requireTLS: false }],
    [
      "smtp://a%40b:p%2Fw%25@mail.example.com:25",
      {
        host: "mail.example.com",
        port: 25,
        secure: false,
        requireTLS: true,
        auth: { user: "a@b", pass: "p/w%" },
      },
    ],
  ])("reads %s", (address, expected) => {
    expect(mailServer(address, LOCAL)).toEqual(expected);
  });

  it.each([
    "mail.example.com:587",
    "https://me:secret@mail.example.com",
    "smtp://",
    "smtp://me:secret@mail.example.com/path",
    "smtp://me:secret@mail.example.com?tls.rejectUnauthorized=false",
    "smtp://me:secret@mail.example.com#x",
    "smtp://me:secret%zz@mail.example.com",
  ])("refuses %s without showing a password", (address) => {
    let caught: unknown;
    try {
      mailServer(address, LOCAL);
    } catch (error) {
      caught = error;
    }

    expect(caught).toBeInstanceOf(Permanent);
    expect(inspect(caught)).not.toContain("secret");
  });

  it("asks for STARTTLS of this machine too outside a local start", () => {
    expect(mailServer("smtp://localhost:25", OUTSIDE)).toMatchObject({ requireTLS: true });
  });

  it.each(["smtp://127.0.0.1:25", "smtp://10.0.0.4", "smtps://[fd00::4]", "smtp://169.254.169.254:25"])(
    "refuses %s, an address that is not a public one",
    (address) => {
      expect(() => mailServer(address, OUTSIDE)).toThrow(Permanent);
    },
  );

  it("takes a private address where that is allowed, and still no link-local one", () => {
    const reach = { loopback: false, private: true };

    expect(mailServer("smtps://10.0.0.4", reach)).toMatchObject({ host: "10.0.0.4", secure: true });
    expect(() => mailServer("smtps://169.254.169.254", reach)).toThrow(Permanent);
  });
});

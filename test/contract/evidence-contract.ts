import { describe, expect, it } from "vitest";
import { Refused } from "../../src/model/errors.ts";
import type { EvidenceStore } from "../../src/model/evidence-port.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What every store of evidence must do: the same cases over memory and the real client. Cases keep apart by folders. */
export function evidenceContract(name: string, open: () => EvidenceStore): void {
  describe(`${name} keeps evidence`, () => {
    it("gives back every byte as it was kept, text or not, none at all too", async () => {
      const store = open();
      const files = {
        "bytes/all": Uint8Array.from({ length: 1_024 }, (_none, value) => value % 256),
        "bytes/none": new Uint8Array(),
        "bytes/large.log": new Uint8Array(3 * 1024 * 1024).fill(0xc3),
      };
      for (const [file, bytes] of Object.entries(files)) {
        expect(await store.put(file, bytes)).toBe("kept");
        expect(Buffer.from((await store.read(file)) ?? "nothing").equals(Buffer.from(bytes))).toBe(true);
      }
    });

    it("never writes over what is there, whatever is put and however often", async () => {
      const store = open();
      expect(await store.put("once/manifest.json", bytesOf("first"))).toBe("kept");
      expect(await store.put("once/manifest.json", bytesOf("second"))).toBe("there");
      expect(await store.put("once/manifest.json", bytesOf("first"))).toBe("there");
      expect(await store.read("once/manifest.json")).toEqual(bytesOf("first"));
    });

    it("lets one of many win who put under one name at once", async () => {
      const store = open();
      const runs = Array.from({ length: 8 }, (_none, run) => store.put("race/file", bytesOf(`run ${run}`)));
      const answers = await Promise.all(runs);
      const winner = answers.indexOf("kept");
      expect(answers.filter((answer) => answer === "kept")).toHaveLength(1);
      expect(await store.read("race/file")).toEqual(bytesOf(`run ${winner}`));
    });

    it("answers null for a file that is not there", async () => {
      expect(await open().read("nobody/nothing")).toBeNull();
    });

    it("lists the files of a folder, in order, and no others", async () => {
      const store = open();
      for (const file of ["a-1/logs/web.log", "a-1/pod.json", "a-10/pod.json", "b/a-1/pod.json"]) {
        await store.put(file, bytesOf(file));
      }
      expect(await store.list("a-1/")).toEqual(["a-1/logs/web.log", "a-1/pod.json"]);
      expect(await store.list("nobody/")).toEqual([]);
    });

    it.each([
      "",
      ".",
      "..",
      "a/../b",
      "a//b",
      "/a",
      "a/",
      "a b",
      "a?b",
      "a#b",
      "a%2fb",
      "a\\b",
      "ü",
      "x".repeat(513),
    ])("refuses the name %j, and touches nothing", async (file) => {
      const store = open();
      const before = await store.list("");
      await expect(store.put(file, bytesOf("x"))).rejects.toThrow(Refused);
      await expect(store.read(file)).rejects.toThrow(Refused);
      expect(await store.list("")).toEqual(before);
    });

    it.each(["a", "../", "a/../", "//"])("refuses the folder %j", async (folder) => {
      await expect(open().list(folder)).rejects.toThrow(Refused);
    });

    it("says where it is", () => {
      expect(open().place).toMatch(/^[a-z0-9.-]+\/[a-z0-9-]+$/);
    });
  });
}

import type { Checkpoint, CheckpointStore, PartitionOwnership } from "@azure/event-hubs";

/** A checkpoint store in memory for one consumer group; a claim wins only with the tag that it last saw. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly checkpoints = new Map<string, Checkpoint>();
  private readonly owners = new Map<string, PartitionOwnership>();
  private claims = 0;

  async listOwnership(): Promise<PartitionOwnership[]> {
    return [...this.owners.values()];
  }

  async claimOwnership(wanted: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    return wanted.flatMap((claim) => {
      const held = this.owners.get(claim.partitionId);
      if (held !== undefined && held.etag !== claim.etag) return [];
      this.claims += 1;
      // A time in the past would make the claim expire at once.
      const granted = { ...claim, etag: String(this.claims), lastModifiedTimeInMs: Date.now() };
      this.owners.set(claim.partitionId, granted);
      return [granted];
    });
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    this.checkpoints.set(checkpoint.partitionId, checkpoint);
  }

  async listCheckpoints(): Promise<Checkpoint[]> {
    return [...this.checkpoints.values()];
  }
}

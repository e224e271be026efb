package io.muster.group;

/** What makes a CONNECTED link believable, from weakest to strongest. The order is the wire's: append only at the end. */
public enum Proof {
  /** Nothing was proven: the policy's mode is {@code skip}. */
  NONE("none"),
  /** Both ends are in one process. */
  LOCAL("local"),
  /** Each end has imported and touched the other's exported handle of a simulated fabric. */
  FABRIC_IMPORT_SIMULATED("fabric-import(simulated)"),
  /** Each end has imported and touched the other's exported fabric handle. */
  FABRIC_IMPORT("fabric-import"),
  /** Both directions carried verified bytes on the path in use. */
  WARMUP("warmup");

  private final String text;

  Proof(String text) {
    this.text = text;
  }

  /** The word used on the bus, in reports and on the command line. */
  public String text() {
    return text;
  }
}

/**
 * Fabrics, by which GPUs reach each other's memory across hosts: the verdict on the fabric of this host, its memory,
 * and a fabric simulated by files. Read {@link io.muster.fabric.Fabric} first. Imports cuda, cuda.driver, group.
 * Invariant: a fabric is called proven only after allocation, export and import; bytes of a peer never cause an
 * exception.
 */
@NullMarked
package io.muster.fabric;

import org.jspecify.annotations.NullMarked;

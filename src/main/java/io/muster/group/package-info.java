/**
 * The vocabulary of the project as values: names, ids, members, addresses, failures, reports. Exported. Read
 * {@link io.muster.group.Member} first. Imports no other package of Muster, except in Javadoc. Invariant: a value that
 * exists is valid; constructors are the only validators.
 */
@NullMarked
package io.muster.group;

import org.jspecify.annotations.NullMarked;

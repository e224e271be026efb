/**
 * What an application needs: join a group, wait, leave; and the composition root, which alone knows all parts.
 * Imports everything but the command line. Invariant: whatever is opened here is closed here, in reverse order.
 */
@NullMarked
package io.muster;

import org.jspecify.annotations.NullMarked;

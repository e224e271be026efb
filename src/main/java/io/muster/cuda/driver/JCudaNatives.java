// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;

/**
 * Puts JCuda's native library where JCuda looks for it. JCuda unpacks it into the temporary folder under a fixed name,
 * in place, and loads whatever file is already there. Two processes that start together would race (one loads what the
 * other has half written), and anyone who may write to the folder could plant a library. So this class puts the
 * complete file there (by a link, which never replaces a file). An existing file must belong to this user or root, be
 * writable by no other user, and hold exactly these bytes.
 */
final class JCudaNatives {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private JCudaNatives() {}

    /** @throws IOException that names the file in the way, and the reason */
    static void place(byte[] library, Path target) throws IOException {
        Path own = Files.createTempFile(
                target.toAbsolutePath().getParent(),
                "muster-",
                ".so",
                PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        try {
            Files.write(own, library);
            try {
                Files.createLink(target, own);
            } catch (FileAlreadyExistsException _) {
                check(library, target, own);
            }
        } finally {
            Files.delete(own);
        }
    }

    private static void check(byte[] library, Path target, Path own) throws IOException {
        if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(target + " is not a regular file; remove it");
        }
        Object owner = Files.getAttribute(target, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!owner.equals(0) && !owner.equals(Files.getAttribute(own, "unix:uid"))) {
            throw new IOException(
                    target + " belongs to user " + owner + ", not to this one; remove it, or set -Djava.io.tmpdir");
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(target, LinkOption.NOFOLLOW_LINKS);
        if (permissions.contains(PosixFilePermission.GROUP_WRITE)
                || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
            throw new IOException(target + " may be written by other users; remove it, or set -Djava.io.tmpdir");
        }
        if (!Arrays.equals(library, Files.readAllBytes(target))) {
            throw new IOException(target + " is not the library that this version was built with; remove it");
        }
    }

    /** @throws NoSuchFileException if there is no library for this kind of machine on the class path */
    static byte[] read(String resource) throws IOException {
        try (InputStream in = JCudaNatives.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new NoSuchFileException(resource);
            }
            return in.readAllBytes();
        }
    }
}

package io.muster.group;

import java.util.regex.Pattern;

/**
 * The name of a group, as the application gives it: 1 to 64 of {@code A-Z a-z 0-9 . _ -}. It is part of store keys and of event-bus
 * addresses.
 */
public record GroupName(String value) implements Comparable<GroupName> {
  private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  public GroupName {
    if (!VALID.matcher(value).matches()) {
      throw MusterException.config("group name must be 1 to 64 of A-Z a-z 0-9 . _ -, got '" + value + "'");
    }
  }

  @Override
  public int compareTo(GroupName other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Runs test classes, or methods as Class#method, in this JVM; used by the script "mutants". Exits with 1 if one fails, 2 if there was none. */
final class RunTests {
  public static void main(String[] names) {
    var request = LauncherDiscoveryRequestBuilder.request();
    for (String name : names) {
      request.selectors(name.contains("#") ? selectMethod(name) : selectClass(name));
    }
    var listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request.build(), listener);
    var summary = listener.getSummary();
    summary.getFailures().forEach(failure -> System.out.println("FAILED " + failure.getTestIdentifier().getUniqueId() + ": " + failure.getException()));
    System.exit(summary.getTotalFailureCount() > 0 ? 1 : summary.getTestsSucceededCount() == 0 ? 2 : 0);
  }
}

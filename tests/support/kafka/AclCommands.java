// Runs kafka-acls once for each line of its input, all in one Java: java -cp 'libs/*' AclCommands.java CLASS
// An error of one of them ends it with the tool's message and status.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.util.regex.Pattern;

public class AclCommands {
    public static void main(String[] given) throws Exception {
        Method tool = Class.forName(given[0]).getMethod("main", String[].class);
        Pattern between = Pattern.compile("\t");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            tool.invoke(null, (Object) between.split(line));
        }
    }
}

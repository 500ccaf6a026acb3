// What java.util.zip reads of each gzip file: its SHA-256, a line a file. `java Gunzip.java FILE…`

import java.io.FileInputStream;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;

class Gunzip {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] piece = new byte[1 << 16];
            try (InputStream in = new GZIPInputStream(new FileInputStream(file))) {
                for (int read; (read = in.read(piece)) >= 0; ) {
                    digest.update(piece, 0, read);
                }
            }
            System.out.println(HexFormat.of().formatHex(digest.digest()));
        }
    }
}

namespace UnitTests.Outbound;

/// <summary>T78: URLs that must lead nowhere. Also linked into the integration tests, which look at real sockets.</summary>
internal static class RefusedUrls
{
    public static readonly string[] All =
    [
        "", "example.com", "/hooks", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_", "javascript:alert(1)", "data:,x", "https:", "https://", "https:/example.com", "https:example.com", "https:///example.com",
        "http://example.com/",                                         // no TLS
        "https://127.0.0.1/", "https://127.0.0.1:5432/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.1./",
        "https://0/", "https://0.0.0.0/", "https://127.0.0.0x1/", "https://8.8.2056/", "https://08.8.8.8/", "https://256.1.1.1/", "https://1.2.3.4.5/",
        "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://printer.local/", "https://metadata.google.internal/", "https://example.com./", "https://.example.com/", "https://example..com/",
        "https://169.254.169.254/latest/meta-data/", "https://2852039166/", "https://0xa9fea9fe/", "https://100.100.100.200/", "https://168.63.129.16/", "https://192.0.0.192/",
        "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/", "https://100.64.0.1/", "https://198.18.0.1/", "https://203.0.113.1/", "https://224.0.0.1/", "https://255.255.255.255/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://[fec0::1]/", "https://[ff02::1]/",
        "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "https://[2001:db8::1]/",
        "https://user@example.com/", "https://user:word@example.com/", "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://example.com#x", "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/", "https://@example.com/",
        "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", "https://127\u30020\u30020\u30021/", "https://\u217cocalhost/", "https://b\u00fccher.example/",
        "https://exam ple.com/", " https://example.com/", "https://example.com/ ", "https://example.com/\n", "https://exa\tmple.com/", "https://%31%32%37.0.0.1/", "https://127.0.0.1%2f.example.com/", "https://example.com%00.local/",
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:080/", "https://example.com:/", "https://example.com:-1/", "https://example.com:80:90/", "https://[::1/", "https://::1/",
    ];
}

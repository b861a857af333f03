using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

public class RedisSettingsTests
{
    [Theory]
    [InlineData("localhost", "redis://localhost:6379")]
    [InlineData("10.0.0.1:7000,password=secret,ssl=true", "rediss://10.0.0.1:7000")]
    [InlineData("redis://localhost", "redis://localhost:6379")]
    [InlineData("redis://user:p%40ss@db.example:6380/3", "redis://db.example:6380")]
    [InlineData("redis://:pa@ss@localhost", "redis://localhost:6379")]
    [InlineData("rediss://[::1]:6380?ca=/etc/ca.pem", "rediss://[::1]:6380")]
    [InlineData("sentinel://a,b:26380/mymaster/2?sentinel_password=x", "sentinel://a:26379,b:26380/mymaster")]
    [InlineData("cluster://user:secret@a:7000,b:7001,c:7002", "cluster://a:7000,b:7001,c:7002")]
    public void Every_form_is_read_and_shown_without_its_password(string text, string shown) => Assert.Equal(shown, RedisSettings.Parse(text).ToString());

    [Fact]
    public void Every_part_is_read()
    {
        var settings = RedisSettings.Parse("redis://user:p%40ss%3A@db.example:6380/3?connectTimeout=500&command_timeout=20");
        Assert.Equal(("user", "p@ss:", 3), (settings.User, settings.Password, settings.Database));
        Assert.Equal((TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(20)), (settings.ConnectTimeout, settings.CommandTimeout));
        Assert.Equal(RedisTopology.Sentinel, RedisSettings.Parse("sentinel://a/m").Topology);
        Assert.Equal("m", RedisSettings.Parse("sentinel://a/m").MasterName);
        Assert.Equal("x=y", RedisSettings.Parse("a,password=x=y").Password);
        Assert.Equal([new RedisEndpoint("a", 1), new RedisEndpoint("b", 2)], RedisSettings.Parse("a:1,b:2").Endpoints);
    }

    // The start fails with these words: each names the part, and no word of it is the password.
    [Theory]
    [InlineData("", "empty")]
    [InlineData("http://localhost", "scheme 'http'")]
    [InlineData("localhost:0,password=hunter2", "port '0'")]
    [InlineData("localhost:70000,password=hunter2", "port '70000'")]
    [InlineData("redis://:hunter2@localhost:x", "port 'x'")]
    [InlineData("redis://:hunter2@localhost/many", "database 'many'")]
    [InlineData("localhost,database=1024,password=hunter2", "database '1024'")]
    [InlineData("localhost,colour=red,password=hunter2", "option 'colour'")]
    [InlineData("localhost,ssl=maybe", "ssl")]
    [InlineData("localhost,commandTimeout=5", "commandTimeout")]
    [InlineData("localhost,user=me", "user without a password")]
    [InlineData("password=hunter2", "No server")]
    [InlineData("sentinel://a,b", "master's name")]
    [InlineData("cluster://a/1", "database 0")]
    [InlineData("redis://a,b", "one server")]
    [InlineData("redis://loc al", "'loc al'")]
    [InlineData("redis://[::1", "bracket")]
    [InlineData("localhost,ca=/etc/ca.pem", "ca needs")]
    [InlineData("localhost,password=a,hunter2:b", "%2C")]      // the rest of a password that is not written as it should be
    [InlineData("localhost,password=a,hunter2=b", "%2C")]
    [InlineData("localhost,password=a,hunter2 b", "%2C")]
    [InlineData("redis://:hunter2?a@localhost", "%3F")]
    public void What_is_wrong_is_named_and_no_password_shown(string text, string part)
    {
        var message = Assert.Throws<FormatException>(() => RedisSettings.Parse(text)).Message;
        Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
    }
}

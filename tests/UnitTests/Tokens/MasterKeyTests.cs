using System.Text;
using AuthService.Tokens;

namespace UnitTests.Tokens;

public sealed class MasterKeyTests : IDisposable
{
    private const string Text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private readonly string _folder = Directory.CreateTempSubdirectory("authservice-master-key").FullName;

    private string Path => System.IO.Path.Combine(_folder, "master.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Each_purpose_has_a_key_of_its_own_that_follows_from_the_master_key()
    {
        var master = MasterKey.Parse(Text, "the test");
        Assert.Equal(32, master.Derive("a").Length);
        Assert.Equal(master.Derive("a"), MasterKey.Parse($" {Text}\n", "the test").Derive("a"));
        Assert.NotEqual(master.Derive("a"), master.Derive("b"));
        Assert.NotEqual(master.Derive("a"), MasterKey.CreateRandom().Derive("a"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAECAwQFBgcICQoLDA0ODw==")]                           // 16 bytes
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==")]   // 34
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAR EhMUFRYXGBkaGxwdHh8")]
    public void Anything_but_32_bytes_is_refused_without_being_repeated(string text)
    {
        var failure = Assert.Throws<InvalidOperationException>(() => MasterKey.Parse(text, "Tokens:MasterKey"));
        Assert.Contains("Tokens:MasterKey", failure.Message, StringComparison.Ordinal);
        if (text.Length > 0) Assert.DoesNotContain(text, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_made_once_for_its_owner_alone()
    {
        var made = MasterKey.ReadFile(Path, mayCreate: true);
        Assert.Equal(made.Derive("a"), MasterKey.ReadFile(Path, mayCreate: true).Derive("a"));
        Assert.Equal([Path], Directory.GetFiles(_folder));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    // Write the file in place, or move it there by File.Move, and two nodes of one installation end with different keys in some of the rounds.
    [Fact]
    public void Nodes_that_start_together_agree_on_one_key()
    {
        const int nodes = 4, rounds = 300;
        using var start = new Barrier(nodes);
        var keys = new string[rounds, nodes];
        var threads = Enumerable.Range(0, nodes).Select(node => new Thread(() =>
        {
            for (var round = 0; round < rounds; round++)
            {
                start.SignalAndWait();
                keys[round, node] = Convert.ToHexString(MasterKey.ReadFile($"{Path}{round}", mayCreate: true).Derive("a"));
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        for (var round = 0; round < rounds; round++) Assert.Single(Enumerable.Range(0, nodes).Select(node => keys[round, node]).Distinct(StringComparer.Ordinal));
        Assert.Equal(rounds, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void A_missing_file_is_an_error_where_keys_already_depend_on_it()
    {
        Assert.Throws<InvalidOperationException>(() => MasterKey.ReadFile(Path, mayCreate: false));
        Assert.False(File.Exists(Path));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_file_that_others_can_reach_is_refused(UnixFileMode extra)
    {
        if (OperatingSystem.IsWindows()) return;
        MasterKey.ReadFile(Path, mayCreate: true);
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | extra);
        var failure = Assert.Throws<InvalidOperationException>(() => MasterKey.ReadFile(Path, mayCreate: true));
        Assert.Contains("chmod 600", failure.Message, StringComparison.Ordinal);
    }

    // T07: a copy of the database is no key.
    [Fact]
    public void A_private_key_is_sealed_under_the_master_key_and_its_own_name()
    {
        var (key, other) = (Es256Key.Create(), Es256Key.Create());
        var seal = new SigningKeySeal(MasterKey.Parse(Text, "the test"));
        var box = seal.Seal(key);

        var signature = new byte[Es256Key.SignatureLength];
        seal.Open(key.Kid, box).Sign("data"u8, signature);
        Assert.True(key.Verify("data"u8, signature));
        Assert.NotEqual(box, seal.Seal(key));
        Assert.DoesNotContain(Convert.ToHexString(key.ExportPkcs8()), Convert.ToHexString(box), StringComparison.Ordinal);

        Assert.Throws<InvalidOperationException>(() => seal.Open(other.Kid, box));
        Assert.Throws<InvalidOperationException>(() => seal.Open(key.Kid, Encoding.ASCII.GetBytes("short")));
        var failure = Assert.Throws<InvalidOperationException>(() => new SigningKeySeal(MasterKey.CreateRandom()).Open(key.Kid, box));
        Assert.Contains("another master key", failure.Message, StringComparison.Ordinal);
        for (var i = 0; i < box.Length; i++)
        {
            var altered = (byte[])box.Clone();
            altered[i] ^= 1;
            Assert.Throws<InvalidOperationException>(() => seal.Open(key.Kid, altered));
        }
    }
}

using System.Text;
using AuthService;
using AuthService.Passwords;

namespace UnitTests.Passwords;

public sealed class PasswordHashingTests : IDisposable
{
    // The least libsodium allows: these tests are about equality, not about cost.
    private static readonly PasswordOptions Cheap = new() { MemoryKiB = 8, Iterations = 1, MaxConcurrentHashes = 1 };

    private readonly PasswordHashing _hashing = new(Cheap, TimeProvider.System);

    public void Dispose() => _hashing.Dispose();

    // T44
    [Fact]
    public async Task A_stored_hash_is_Argon2id_with_the_configured_parameters_and_a_salt_of_its_own()
    {
        using var hashing = new PasswordHashing(new PasswordOptions(), TimeProvider.System);
        var (first, second) = (await HashAsync(hashing, "correct horse battery"), await HashAsync(hashing, "correct horse battery"));

        Assert.True(PhcHash.TryParse(first, out var hash));
        Assert.Equal(new PhcHash(19_456, 2, 1, SaltBytes: 16, OutputBytes: 32), hash);
        Assert.NotEqual(first.Split('$')[4], second.Split('$')[4]);
        Assert.Equal(new PasswordVerdict(Matches: true, NeedsRehash: false), await VerifyAsync(hashing, "correct horse battery", first));
        Assert.False((await VerifyAsync(hashing, "correct horse batterz", first)).Matches);
    }

    // T44. Made by Debian's argon2 0~20171227: printf '%s' PASSWORD | argon2 SALT -id -t T -k M -p 1 -l 32 -e -v 13
    // with the salts somesalt16bytes!, anothersalt16by!, thirdsalt16bytes.
    [Theory]
    [InlineData("correct horse battery staple", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw")]
    [InlineData("correct horse battery staple", "$argon2id$v=19$m=47104,t=1,p=1$YW5vdGhlcnNhbHQxNmJ5IQ$y1X6DZVJ/Cph/mfsucKGQ2uPYs0D4q55v1QBzGaO62Q")]
    [InlineData("pässwörd 🔑 ", "$argon2id$v=19$m=65536,t=3,p=1$dGhpcmRzYWx0MTZieXRlcw$NJ3591MrsB+x99JGvjOC3oRr0+tsvRaSnZhDetMm39s")]
    public async Task Hashes_of_the_argon2_tool_verify(string password, string stored)
    {
        Assert.True((await VerifyAsync(_hashing, password, stored)).Matches);
        Assert.False((await VerifyAsync(_hashing, password + "x", stored)).Matches);
    }

    // T42. Cut, trim, normalize or fold the password anywhere on its way and one of these fails.
    [Theory]
    [MemberData(nameof(PairsThatDiffer))]
    public async Task Passwords_verify_exactly_as_they_were_given(string password, string other)
    {
        var stored = await HashAsync(_hashing, password);
        Assert.True((await VerifyAsync(_hashing, password, stored)).Matches);
        Assert.False((await VerifyAsync(_hashing, other, stored)).Matches);
    }

    public static TheoryData<string, string> PairsThatDiffer => new()
    {
        { new string('a', 64), new string('a', 63) },
        { new string('a', 128), new string('a', 127) },
        { new string('a', 256), new string('a', 255) },
        { new string('a', 72) + "one", new string('a', 72) + "two" },                 // where bcrypt stops reading
        { string.Concat(Enumerable.Repeat("🔑", 256)), string.Concat(Enumerable.Repeat("🔑", 255)) + "🔒" },   // 1,024 bytes
        { " leading and trailing ", "leading and trailing" },
        { "tab\tand\0nul", "tab\tand" },                                              // a C string would end at the NUL
        { "Großbuchstaben", "großbuchstaben" },
        { "caf\u00e9 precomposed", "cafe\u0301 precomposed" },                        // as given: not normalized
        { "\ud83d\udd11\U00020000\U000e0001\U0010ffff", "\ud83d\udd11\U00020000\U000e0001\U0010fffe" },         // planes 1, 2, 14, 16
    };

    [Fact]
    public async Task What_can_never_have_been_stored_does_not_match_after_the_same_work()
    {
        var stored = await HashAsync(_hashing, "");   // what a failed conversion might leave
        foreach (var impossible in new[] { new string('a', 1025), "lone \ud83d surrogate", "\udd11" })
        {
            var before = _hashing.HashCount;
            Assert.Equal(default, await VerifyAsync(_hashing, impossible, stored));
            Assert.Equal(default, await VerifyAsync(_hashing, impossible, null));
            Assert.Equal(2, _hashing.HashCount - before);
            await Assert.ThrowsAsync<ArgumentException>(() => HashAsync(_hashing, impossible));
        }
    }

    // Answer "no" early for any of these and the count shows it: the work must not tell whether an account exists.
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8/LewdBPj4J/HS.iK8i")]
    [InlineData("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw$")]
    public async Task Without_a_hash_to_compare_with_one_hash_is_computed_and_nothing_matches(string? stored)
    {
        var before = _hashing.HashCount;
        Assert.Equal(default, await VerifyAsync(_hashing, "correct horse battery staple", stored));
        Assert.Equal(1, _hashing.HashCount - before);
    }

    // The decoy is a hash like any other: with its cost left at a constant, an unknown account would answer in another time.
    [Fact]
    public void The_decoy_costs_what_is_configured()
    {
        var memory = 512;
        using var hashing = new PasswordHashing(new PasswordOptions { MemoryKiB = memory, Iterations = 3 }, TimeProvider.System);
        Assert.True(PhcHash.TryParse(hashing.Decoy, out var decoy));
        Assert.Equal((memory, 3), (decoy.MemoryKiB, decoy.Iterations));
    }

    [Theory]
    [InlineData(16, 2, false)]   // as configured
    [InlineData(8, 2, true)]     // less memory
    [InlineData(16, 1, true)]    // fewer passes
    [InlineData(8, 16, true)]    // more work, but less memory
    [InlineData(64, 1, false)]   // fewer passes over so much more memory that it costs more
    [InlineData(32, 4, false)]   // more of both: strength is never taken away
    public async Task Only_weaker_hashes_are_asked_to_be_replaced(int memoryKiB, int iterations, bool expected)
    {
        using var hashing = new PasswordHashing(new PasswordOptions { MemoryKiB = 16, Iterations = 2 }, TimeProvider.System);
        var stored = Argon2id.Hash("correct horse", memoryKiB, iterations);
        Assert.Equal(new PasswordVerdict(true, expected), await VerifyAsync(hashing, "correct horse", stored));
        Assert.Equal(default, await VerifyAsync(hashing, "wrong horse", stored));
    }

    [Fact]
    public void An_equally_strong_pair_is_left_alone() => Assert.False(new PhcHash(47_104, 1, 1, 16, 32).IsWeakerThan(19_456, 2));

    [Theory]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", true)]
    [InlineData("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", true)]
    [InlineData("$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$t=2,m=19456,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=019456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=-1,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=19456,t=17,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=0$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ==$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$c29t$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$", false)]
    [InlineData("$argon2id$v=19$m=19456,t=2$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData(" $argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$W2/hNMtQKxyFQI3cOFyMdL9hfH0kK/3DKouGLtcZUyw", false)]
    [InlineData("", false)]
    public void Only_Argon2_strings_within_limits_are_read(string text, bool expected) => Assert.Equal(expected, PhcHash.TryParse(text, out _));

    // T45, the part that is ours: what a node can't take on is refused.
    [Fact]
    public async Task Surplus_hashes_are_answered_with_503()
    {
        using var hashing = new PasswordHashing(
            new PasswordOptions { MaxConcurrentHashes = 1, QueueLength = 0, Iterations = 16 }, TimeProvider.System);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => hashing.HashAsync("correct horse", CancellationToken.None).AsTask()));
        Assert.Contains(outcomes, outcome => !outcome.Failed(out _, out _));
        Assert.Contains(outcomes, outcome => outcome.Failed(out var problem, out _) && problem == PasswordsProblems.Busy);
    }

    [Fact]
    public void Temporary_passwords_are_long_legible_and_accepted()
    {
        var policy = new PasswordPolicy(new PasswordOptions { MinimumLength = 20 });
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 1000; i++)
        {
            var password = TemporaryPassword.Create();
            Assert.Equal(27, password.Length);
            Assert.DoesNotContain(password, c => "il0o1".Contains(c, StringComparison.Ordinal));
            Assert.Empty(policy.Check(password, "/password", "ann@example.org", "ann"));
            Assert.True(seen.Add(password));
        }
    }

    [Fact]
    public void UTF8_is_what_is_hashed() =>
        Assert.True(Argon2id.Verify(Encoding.UTF8.GetString([0xf0, 0x9f, 0x94, 0x91]), Argon2id.Hash("🔑", 8, 1)));

    private static async Task<string> HashAsync(PasswordHashing hashing, string password)
    {
        var outcome = await hashing.HashAsync(password, CancellationToken.None);
        Assert.False(outcome.Failed(out _, out var text));
        return text!;
    }

    private static async Task<PasswordVerdict> VerifyAsync(PasswordHashing hashing, string password, string? stored)
    {
        Outcome<PasswordVerdict> outcome = await hashing.VerifyAsync(password, stored, CancellationToken.None);
        Assert.False(outcome.Failed(out _, out var verdict));
        return verdict;
    }
}

using AuthService.Passwords;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using PasswordOptions = AuthService.Passwords.PasswordOptions;   // the framework has one too

namespace UnitTests.Passwords;

/// <summary>Hashes that others have made: by their own tools, or in their own tests.</summary>
public sealed class ForeignHashTests : IDisposable
{
    private const string Password = "correct horse battery staple";

    private readonly PasswordHashing _hashing = new(new PasswordOptions { MemoryKiB = 8, Iterations = 1, MaxConcurrentHashes = 1 }, TimeProvider.System);

    public void Dispose() => _hashing.Dispose();

    [Theory]
    // crypt_blowfish's own tests
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")]
    // python3 -c 'import crypt; print(crypt.crypt("correct horse battery staple", "$2b$05$abcdefghijklmnopqrstuu"))', and with $2y$ and $7$
    [InlineData(Password, "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS")]
    [InlineData(Password, "$2y$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS")]
    // python3: hashlib.scrypt(password, salt=bytes(range(16)), n=2**14, r=8, p=1, dklen=32), written as passlib does
    [InlineData(Password, "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$11kKyiyYAc8G7rp3KmncMc44YlkdllIqxOa7pq0fMaU")]
    // RFC 7914, 12: "password", "NaCl", N 1024, r 8, p 16
    [InlineData("password", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq.HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA")]
    // printf '%s' PASSWORD | argon2 somesaltsalt -i -t 3 -m 12 -p 2 -e, and -id -t 3 -m 12 -p 4 -e
    [InlineData(Password, "$argon2i$v=19$m=4096,t=3,p=2$c29tZXNhbHRzYWx0$pgW5W7K+BUC+qaqYmNzTMQk5Az47ByLWl4wR8B6AHvQ")]
    [InlineData(Password, "$argon2id$v=19$m=4096,t=3,p=4$c29tZXNhbHRzYWx0$2H9DaJga5nsvZHilbX1UOie1Ya5ps89MQDEV2YmS+rI")]
    public async Task Others_hashes_verify_and_want_to_be_replaced(string password, string stored)
    {
        Assert.True(ForeignHash.IsKnown(stored));
        using var hashing = new PasswordHashing(new PasswordOptions { MaxConcurrentHashes = 1 }, TimeProvider.System);
        Assert.Equal(new PasswordVerdict(Matches: true, NeedsRehash: true), await VerifyAsync(hashing, password, stored));
        Assert.Equal(default, await VerifyAsync(hashing, password + "x", stored));
        Assert.Equal(default, await VerifyAsync(hashing, "", stored));
        // Where a C string would end. (For scrypt and PBKDF2 a short password and one with zeros after it are the same: HMAC pads its key with them.)
        if (!stored.StartsWith("$scrypt$", StringComparison.Ordinal)) Assert.Equal(default, await VerifyAsync(hashing, password + "\0", stored));
    }

    // The framework's own hasher makes them.
    [Theory]
    [InlineData(PasswordHasherCompatibilityMode.IdentityV2, 1)]
    [InlineData(PasswordHasherCompatibilityMode.IdentityV3, 1)]
    [InlineData(PasswordHasherCompatibilityMode.IdentityV3, 10_000)]
    public async Task Hashes_of_ASP_NET_Core_Identity_verify(PasswordHasherCompatibilityMode mode, int iterations)
    {
        var stored = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { CompatibilityMode = mode, IterationCount = iterations })).HashPassword(new object(), Password);
        Assert.True(ForeignHash.IsKnown(stored));
        Assert.Equal(new PasswordVerdict(Matches: true, NeedsRehash: true), await VerifyAsync(_hashing, Password, stored));
        Assert.Equal(default, await VerifyAsync(_hashing, Password + "x", stored));
    }

    [Fact]
    public async Task A_hash_of_libsodiums_scrypt_verifies()
    {
        // python3 -c 'import crypt; print(crypt.crypt(…, "$7$BU..../....abcdefghijklmnopqrstuvwxyz012345"))'; libsodium's have a salt of 43 characters.
        const string ofLibxcrypt = "$7$BU..../....abcdefghijklmnopqrstuvwxyz012345$ycW/.FVAwQdvHRwaanvi9U.UyKM7f/OU350pmElC9ED";
        Assert.False(ForeignHash.IsKnown(ofLibxcrypt));
        var stored = SodiumScrypt.Hash(Password);
        Assert.Equal(101, stored.Length);
        Assert.True(ForeignHash.IsKnown(stored));
        Assert.True((await VerifyAsync(_hashing, Password, stored)).Matches);
        Assert.False((await VerifyAsync(_hashing, Password + "x", stored)).Matches);
    }

    // Too much work, or no hash at all. Leave out a limit and a row keeps a node busy for minutes: the test would be slow, and then fail.
    [Theory]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("plain text password")]
    [InlineData("5f4dcc3b5aa765d61d8327deb882cf99")]
    [InlineData("$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe")]
    [InlineData("$scrypt$ln=24,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$11kKyiyYAc8G7rp3KmncMc44YlkdllIqxOa7pq0fMaU")]
    [InlineData("$scrypt$ln=14,r=8,p=17$AAECAwQFBgcICQoLDA0ODw$11kKyiyYAc8G7rp3KmncMc44YlkdllIqxOa7pq0fMaU")]
    [InlineData("$scrypt$ln=14,r=0,p=1$AAECAwQFBgcICQoLDA0ODw$11kKyiyYAc8G7rp3KmncMc44YlkdllIqxOa7pq0fMaU")]
    [InlineData("$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$11kK")]
    [InlineData("$argon2id$v=19$m=2097152,t=3,p=4$c29tZXNhbHRzYWx0$2H9DaJga5nsvZHilbX1UOie1Ya5ps89MQDEV2YmS+rI")]
    [InlineData("$6$rounds=5000$saltsalt$e8VqMPAP6ReydT.oRk1nBNrKPyqSNPCvWqsEZHQjGqrMLfXFq3BDEEEQMZSl.7ZRbYkxEAqTmSkB1F0fbcPWb0")]
    [InlineData("AQ")]
    [InlineData("AQAAAAEAACcQAAAAEA==")]
    [InlineData("AQAAAAEA////AAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==")]
    [InlineData("AQAAAAkAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==")]
    [InlineData("AgAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==")]
    public async Task What_is_no_hash_or_costs_too_much_is_known_as_none_and_matches_nothing(string stored)
    {
        Assert.False(ForeignHash.IsKnown(stored));
        Assert.Equal(default, await VerifyAsync(_hashing, Password, stored));
        Assert.Equal(default, await VerifyAsync(_hashing, "", stored));
    }

    private static async Task<PasswordVerdict> VerifyAsync(PasswordHashing hashing, string password, string stored)
    {
        Assert.False((await hashing.VerifyAsync(password, stored, CancellationToken.None)).Failed(out _, out var verdict));
        return verdict;
    }
}

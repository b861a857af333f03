using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace AuthService.Tokens;

/// <summary>What an access token says about its holder.</summary>
/// <param name="AuthTime">When the user last proved who they are.</param>
/// <param name="Amr">How, in the words of RFC 8176.</param>
internal readonly record struct AccessTokenSubject(
    long UserId, Guid SessionId, DateTimeOffset AuthTime, string[] Amr, string[] Roles, string[] Permissions);

/// <summary>What this service takes from a token it has verified. Roles and permissions are not among it: those are asked for live.</summary>
internal sealed record AccessTokenClaims(
    long UserId, Guid SessionId, DateTimeOffset AuthTime, DateTimeOffset ExpiresAt, string Kid, string Jti);

/// <summary>
/// Access tokens: JWTs as of RFC 9068, signed with ES256.
/// </summary>
/// <remarks>
/// Verifying has no header to interpret. A token is looked at further only if its first segment is, letter for letter, the one
/// this service writes for a key in use, so <c>alg</c>, <c>jku</c>, <c>jwk</c>, <c>x5u</c>, <c>crit</c> and their relatives
/// cannot be expressed. Then comes the signature, and only a payload that this service signed is parsed.
/// </remarks>
internal sealed class AccessTokens(SigningKeyRing ring, TokenOptions options, TimeProvider clock)
{
    /// <summary>Longest token issued, and longest looked at, in characters.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>Where a user's permissions are to be had when the token doesn't list them.</summary>
    public const string PermissionsPath = "/api/v1/me/permissions";

    private const int SignatureTextLength = 86;

    // The part of the header before the key's name, which is the same for all keys.
    private const int HeaderPrefixLength = 28;

    // Used between two lines that don't wait, so one per thread is enough.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _payloadBytes;

    [ThreadStatic]
    private static Utf8JsonWriter? _payloadJson;

    private readonly byte[] _issuer = Encoding.UTF8.GetBytes(options.Issuer);
    private readonly byte[] _audience = Encoding.UTF8.GetBytes(options.Audience);
    private readonly byte[] _clientId = Encoding.UTF8.GetBytes(options.ClientId);

    /// <summary>A token for this subject, good from now for <see cref="TokenOptions.AccessTokenLifetime"/>.</summary>
    /// <returns>At most <see cref="MaxLength"/> characters: where the lists don't fit, permissions are left out, then roles.</returns>
    /// <exception cref="SigningKeysUnavailableException">The node has not reached the database for too long.</exception>
    public string Issue(in AccessTokenSubject subject)
    {
        var key = ring.Current.Active.Key;
        var listsPermissions = options.IncludePermissions && subject.Permissions.Length <= options.MaxPermissionsInToken;
        var payload = WritePayload(subject, listsRoles: true, listsPermissions);
        if (TokenLength(key, payload) > MaxLength) payload = WritePayload(subject, listsRoles: true, listsPermissions: false);
        if (TokenLength(key, payload) > MaxLength) payload = WritePayload(subject, listsRoles: false, listsPermissions: false);
        return Sign(key, payload);
    }

    /// <summary>Reads a token that this service issued. Whether its session still lives is for the caller to ask.</summary>
    /// <returns>Null for anything else: another's, altered, expired, or under a key that is not in use.</returns>
    /// <exception cref="SigningKeysUnavailableException">The node can't say, because it has not reached the database for too long.</exception>
    public AccessTokenClaims? Verify(string token) => Verify(token, out _);

    /// <summary>Like <see cref="Verify(string)"/>, and asks the database again when the token names a key the node doesn't know yet.</summary>
    /// <exception cref="SigningKeysUnavailableException">The node can't say, because it can't reach the database.</exception>
    public ValueTask<AccessTokenClaims?> VerifyAsync(string token, CancellationToken ct)
    {
        var claims = Verify(token, out var namesUnknownKey);
        return namesUnknownKey ? VerifyAfterLookAsync(token, ct) : new ValueTask<AccessTokenClaims?>(claims);
    }

    /// <summary>Which key a token says it is signed with; null: none that this node knows, or no token. Nothing is verified.</summary>
    /// <exception cref="SigningKeysUnavailableException">The node has not reached the database for too long.</exception>
    public string? KidOf(string token) => token.IndexOf('.') is >= 0 and var end ? ring.Current.Find(token.AsSpan(0, end))?.Kid : null;

    private ReadOnlySpan<byte> WritePayload(in AccessTokenSubject subject, bool listsRoles, bool listsPermissions)
    {
        Span<byte> id = stackalloc byte[16];
        RandomNumberGenerator.Fill(id);
        Span<byte> jti = stackalloc byte[22];
        Base64Url.EncodeToUtf8(id, jti);
        Span<byte> sub = stackalloc byte[20];
        subject.UserId.TryFormat(sub, out var subLength, provider: CultureInfo.InvariantCulture);
        var issuedAt = clock.GetUtcNow().ToUnixTimeSeconds();

        var bytes = _payloadBytes ??= new ArrayBufferWriter<byte>(1024);
        bytes.ResetWrittenCount();
        var json = _payloadJson ??= new Utf8JsonWriter(bytes);
        json.Reset();
        json.WriteStartObject();
        json.WriteString("iss"u8, _issuer);
        json.WriteString("sub"u8, sub[..subLength]);
        json.WriteString("aud"u8, _audience);
        json.WriteString("client_id"u8, _clientId);
        json.WriteNumber("exp"u8, issuedAt + (long)options.AccessTokenLifetime.TotalSeconds);
        json.WriteNumber("iat"u8, issuedAt);
        json.WriteString("jti"u8, jti);
        json.WriteString("sid"u8, subject.SessionId);
        json.WriteNumber("auth_time"u8, subject.AuthTime.ToUnixTimeSeconds());
        WriteArray(json, "amr"u8, subject.Amr);
        json.WriteString("acr"u8, "aal1"u8);
        json.WriteNumber("ver"u8, 1);
        if (listsRoles) WriteArray(json, "roles"u8, subject.Roles);
        if (listsPermissions) WriteArray(json, "permissions"u8, subject.Permissions);
        else if (options.IncludePermissions) json.WriteString("permissions_ref"u8, PermissionsPath);
        json.WriteEndObject();
        json.Flush();
        return bytes.WrittenSpan;
    }

    private static void WriteArray(Utf8JsonWriter json, ReadOnlySpan<byte> name, string[] values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static int TokenLength(Es256Key key, ReadOnlySpan<byte> payload) =>
        key.HeaderSegment.Length + 1 + Base64Url.GetEncodedLength(payload.Length) + 1 + SignatureTextLength;

    private static string Sign(Es256Key key, ReadOnlySpan<byte> payload)
    {
        var length = TokenLength(key, payload);
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var headerLength = Encoding.ASCII.GetBytes(key.HeaderSegment, bytes);
            bytes[headerLength] = (byte)'.';
            Base64Url.EncodeToUtf8(payload, bytes.AsSpan(headerLength + 1));
            var signedLength = length - 1 - SignatureTextLength;
            Span<byte> signature = stackalloc byte[Es256Key.SignatureLength];
            key.Sign(bytes.AsSpan(0, signedLength), signature);
            bytes[signedLength] = (byte)'.';
            Base64Url.EncodeToUtf8(signature, bytes.AsSpan(signedLength + 1));
            return Encoding.ASCII.GetString(bytes, 0, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask<AccessTokenClaims?> VerifyAfterLookAsync(string token, CancellationToken ct) =>
        await ring.LookAgainAsync(ct) ? Verify(token) : null;

    private AccessTokenClaims? Verify(string token, out bool namesUnknownKey)
    {
        namesUnknownKey = false;
        if (token.Length > MaxLength) return null;
        var headerEnd = token.IndexOf('.');
        var payloadEnd = token.Length - SignatureTextLength - 1;
        if (headerEnd < 0 || payloadEnd <= headerEnd || token[payloadEnd] != '.') return null;
        var header = token.AsSpan(0, headerEnd);
        var payload = token.AsSpan(headerEnd + 1, payloadEnd - headerEnd - 1);

        var keys = ring.Current;
        if (keys.Find(header) is not { } key)
        {
            namesUnknownKey = LooksLikeOurs(header, keys.Active.Key.HeaderSegment);
            return null;
        }

        Span<byte> signature = stackalloc byte[Es256Key.SignatureLength];
        if (!Base64UrlText.TryDecode(token.AsSpan(payloadEnd + 1), signature, out _)) return null;

        var buffer = ArrayPool<byte>.Shared.Rent(payloadEnd);
        try
        {
            if (Ascii.FromUtf16(token.AsSpan(0, payloadEnd), buffer, out var signedLength) != OperationStatus.Done) return null;
            if (!key.Verify(buffer.AsSpan(0, signedLength), signature)) return null;
            return Base64UrlText.TryDecode(payload, buffer, out var length) ? ReadClaims(buffer.AsSpan(0, length), key.Kid) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool LooksLikeOurs(ReadOnlySpan<char> header, ReadOnlySpan<char> ours) =>
        header.Length == ours.Length && header.StartsWith(ours[..HeaderPrefixLength]);

    // Strict although the signature is ours: it is what stands between a token of another kind, or of a later version of
    // this service, and being taken for an access token. Unknown members are passed over, so that a later version may add some.
    private AccessTokenClaims? ReadClaims(ReadOnlySpan<byte> payload, string kid)
    {
        var seen = Claim.None;
        long sub = 0, exp = 0, iat = 0, authTime = 0, nbf = long.MinValue;
        Guid sid = default;
        string? jti = null;
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = 8 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var claim = Name(ref reader);
                if (claim != Claim.None && (seen & claim) != Claim.None) return null;
                seen |= claim;
                reader.Read();
                var good = claim switch
                {
                    Claim.Iss => Is(ref reader, _issuer),
                    Claim.Aud => Is(ref reader, _audience),
                    Claim.ClientId => Is(ref reader, _clientId),
                    Claim.Sub => TryReadUserId(ref reader, out sub),
                    Claim.Sid => reader.TokenType == JsonTokenType.String && reader.TryGetGuid(out sid),
                    Claim.Jti => TryReadText(ref reader, out jti),
                    Claim.Exp => TryReadSeconds(ref reader, out exp),
                    Claim.Iat => TryReadSeconds(ref reader, out iat),
                    Claim.Nbf => TryReadSeconds(ref reader, out nbf),
                    Claim.AuthTime => TryReadSeconds(ref reader, out authTime),
                    Claim.Acr => reader.TokenType == JsonTokenType.String,
                    Claim.Amr => reader.TokenType == JsonTokenType.StartArray,
                    Claim.Ver => TryReadSeconds(ref reader, out var version) && version == 1,
                    _ => true,
                };
                if (!good) return null;
                reader.Skip();
            }
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read()) return null;
        }
        catch (JsonException)
        {
            return null;
        }

        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        if ((seen & Claim.Required) != Claim.Required || now >= exp || now < nbf) return null;
        return new AccessTokenClaims(
            sub, sid, DateTimeOffset.FromUnixTimeSeconds(authTime), DateTimeOffset.FromUnixTimeSeconds(exp), kid, jti!);
    }

    private static Claim Name(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("iss"u8) ? Claim.Iss :
        reader.ValueTextEquals("sub"u8) ? Claim.Sub :
        reader.ValueTextEquals("aud"u8) ? Claim.Aud :
        reader.ValueTextEquals("client_id"u8) ? Claim.ClientId :
        reader.ValueTextEquals("exp"u8) ? Claim.Exp :
        reader.ValueTextEquals("iat"u8) ? Claim.Iat :
        reader.ValueTextEquals("nbf"u8) ? Claim.Nbf :
        reader.ValueTextEquals("jti"u8) ? Claim.Jti :
        reader.ValueTextEquals("sid"u8) ? Claim.Sid :
        reader.ValueTextEquals("auth_time"u8) ? Claim.AuthTime :
        reader.ValueTextEquals("amr"u8) ? Claim.Amr :
        reader.ValueTextEquals("acr"u8) ? Claim.Acr :
        reader.ValueTextEquals("ver"u8) ? Claim.Ver : Claim.None;

    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> expected) =>
        reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(expected);

    private static bool TryReadUserId(ref Utf8JsonReader reader, out long id)
    {
        id = 0;
        return reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped
            && Utf8Parser.TryParse(reader.ValueSpan, out id, out var read) && read == reader.ValueSpan.Length
            && id > 0 && reader.ValueSpan[0] is >= (byte)'1' and <= (byte)'9';
    }

    private static bool TryReadText(ref Utf8JsonReader reader, out string? text)
    {
        text = null;
        if (reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped || reader.ValueSpan.IsEmpty || !Ascii.IsValid(reader.ValueSpan)) return false;
        text = Encoding.ASCII.GetString(reader.ValueSpan);
        return true;
    }

    // Whole seconds that a date can hold: up to the year 9999.
    private static bool TryReadSeconds(ref Utf8JsonReader reader, out long seconds)
    {
        seconds = 0;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out seconds) && seconds is >= 0 and <= 253_402_300_799;
    }

    [Flags]
    private enum Claim
    {
        None = 0,
        Iss = 1,
        Sub = 1 << 1,
        Aud = 1 << 2,
        ClientId = 1 << 3,
        Exp = 1 << 4,
        Iat = 1 << 5,
        Jti = 1 << 6,
        Sid = 1 << 7,
        AuthTime = 1 << 8,
        Amr = 1 << 9,
        Acr = 1 << 10,
        Ver = 1 << 11,
        Required = (1 << 12) - 1,
        Nbf = 1 << 12,
    }
}

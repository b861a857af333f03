using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace AuthService.Client;

/// <summary>A setting of the installation. Answer of <c>GET</c> and <c>PUT /api/v1/settings/{key}</c>.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Value">Any JSON, as it was written.</param>
/// <param name="UpdatedAt">When it was last written.</param>
public sealed record SettingInfo(string Key, JsonElement Value, DateTimeOffset UpdatedAt);

/// <summary>Body of <c>PUT /api/v1/settings/{key}</c>.</summary>
public sealed record PutSettingRequest
{
    /// <summary>Any JSON but null, at most 64 KiB as text.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    public JsonElement? Value { get; init; }
}

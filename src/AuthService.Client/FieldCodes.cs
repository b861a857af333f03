namespace AuthService.Client;

/// <summary>Why a member of a request was refused by its shape alone: the <c>errors[].code</c> of a 422 answer. Rules that
/// need more than the member itself have codes of their own, listed in <c>docs/errors.md</c>.</summary>
public static class FieldCodes
{
    /// <summary>The member is missing, null or empty.</summary>
    public const string Required = "field.required";

    /// <summary>The text has fewer or more characters than allowed, or the list fewer or more items.</summary>
    public const string Length = "field.length";

    /// <summary>The text does not have the form it must have.</summary>
    public const string Format = "field.format";

    /// <summary>The number is too small or too large.</summary>
    public const string Range = "field.range";
}

using System.Globalization;
using AuthService.Client;

namespace AuthService.Http;

/// <summary>Turns the problems the framework finds (validation attributes, routing) into ours, so a client meets one form.</summary>
internal sealed class FrameworkProblems : IProblemDetailsService
{
    private static readonly Dictionary<string, string> Details = new(StringComparer.Ordinal)
    {
        [FieldCodes.Required] = "Required.",
        [FieldCodes.Length] = "Too short or too long.",
        [FieldCodes.Format] = "Not in the form this takes.",
        [FieldCodes.Range] = "Too small or too large.",
    };

    public async ValueTask WriteAsync(ProblemDetailsContext context) => await TryWriteAsync(context);

    public async ValueTask<bool> TryWriteAsync(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails is HttpValidationProblemDetails validation
            ? HttpProblems.Invalid with { Errors = Fields(validation) }
            : HttpProblems.ForStatus(context.HttpContext.Response.StatusCode);
        await problem.ToHttp().ExecuteAsync(context.HttpContext);
        return true;
    }

    private static List<FieldError> Fields(HttpValidationProblemDetails validation)
    {
        var fields = new List<FieldError>();
        foreach (var (path, codes) in validation.Errors)
            foreach (var code in codes)
            {
                // Attributes carry their code as their message; see the wire records.
                var (known, detail) = Details.TryGetValue(code, out var text) ? (code, text) : (FieldCodes.Format, code);
                fields.Add(new FieldError(Pointer(path), known, detail));
            }

        return fields;
    }

    /// <summary><c>Checks[3].UserId</c> → <c>/checks/3/user_id</c>.</summary>
    private static string Pointer(string path)
    {
        var parts = path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        return string.Concat(parts.Select(p => "/" + (int.TryParse(p, CultureInfo.InvariantCulture, out _)
            ? p : WireJson.Default.Options.PropertyNamingPolicy!.ConvertName(p))));
    }
}

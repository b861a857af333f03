using System.ComponentModel.DataAnnotations;
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
            ? Of(validation.Errors.SelectMany(e => e.Value.Select(code => (e.Key, code))))
            : HttpProblems.ForStatus(context.HttpContext.Response.StatusCode);
        await problem.ToHttp().ExecuteAsync(context.HttpContext);
        return true;
    }

    /// <param name="errors">Paths such as <c>Checks[3].UserId</c>, and what is said of them: the code, where it is an attribute of ours (see the wire records).</param>
    public static Problem Of(IEnumerable<(string Path, string Code)> errors) => HttpProblems.Invalid with
    {
        Errors = [.. errors.Select(e => Details.TryGetValue(e.Code, out var text) ? new FieldError(Pointer(e.Path), e.Code, text) : new FieldError(Pointer(e.Path), FieldCodes.Format, e.Code))],
    };

    /// <summary>What a form's attributes say of it. By reflection: for forms that are known to be wrong.</summary>
    public static Problem Of(object form)
    {
        var found = new List<ValidationResult>();
        Validator.TryValidateObject(form, new ValidationContext(form), found, validateAllProperties: true);
        return Of(found.SelectMany(f => f.MemberNames.Select(member => (member, f.ErrorMessage!))));
    }

    /// <summary><c>Checks[3].UserId</c> → <c>/checks/3/user_id</c>.</summary>
    private static string Pointer(string path)
    {
        var parts = path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        return string.Concat(parts.Select(p => "/" + (int.TryParse(p, CultureInfo.InvariantCulture, out _)
            ? p : WireJson.Default.Options.PropertyNamingPolicy!.ConvertName(p))));
    }
}

using System.Collections;
using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>No entry of a list is null. The serializer looks at members only, not at entries.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EachRequiredAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) => value is not IEnumerable list || !list.Cast<object?>().Contains(null);
}

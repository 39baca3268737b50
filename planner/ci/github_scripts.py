"""What jobs of a workflow for GitHub run that call no planner: they check nothing out."""

from __future__ import annotations

from planner.ci.pipeline import SHOWN

COMMENT = f"""\
{{ echo 'MARK'; cat {SHOWN}; }} > comment.md
mine='.[] | select(.user.type == "Bot" and (.body | startswith("MARK"))) | .id'
id="$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" --jq "$mine" | head -n 1)"
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$id" --field body=@comment.md
else
  gh api --silent --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" --field body=@comment.md
fi
"""
WITHHELD = """\
echo '::error::GitHub withheld the matrix of the job plan, since it holds the value of a secret (it says so there). \
Make what is no secret a variable, such as a user name that images or folders are called by too.'
exit 1
"""
NEWEST = """\
newest="$(curl --fail --silent --show-error --header "Authorization: Bearer $GH_TOKEN" \
  --header "Accept: application/vnd.github.sha" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/commits/$GITHUB_REF_NAME")"
if [ "$newest" != "$GITHUB_SHA" ]; then
  echo "::error::$GITHUB_REF_NAME is at $newest by now: started again, this run would let tags name older images. \
Start the workflow by hand for what is there now."
  exit 1
fi
"""
CLEAN_UP = """\
gh cache list --repo "$REPOSITORY" --ref "refs/pull/$NUMBER/merge" --limit 100 --json id --jq '.[].id' |
  while read -r id; do gh cache delete "$id" --repo "$REPOSITORY"; done
"""

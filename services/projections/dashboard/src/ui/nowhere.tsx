/* An address that leads nowhere. */
import { Nothing, Page } from "./page";

export function NowherePage() {
  return (
    <Page title="There is nothing here">
      <Nothing icon="search" title="This address leads to no view of KAP">
        The link may be old, or a letter is missing. No session is affected.
      </Nothing>
      <p class="actions-row">
        <a class="btn main" href="/">
          To the board
        </a>
      </p>
    </Page>
  );
}

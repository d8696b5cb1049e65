//! `freeze explain`, run as a person runs it.

use std::path::Path;

use freeze_dsl::diagnostic::Code;

fn freeze(arguments: &[&str]) -> (i32, String, String) {
    crate::support::freeze(arguments, Path::new("."), "")
}

#[test]
fn a_code_has_its_page() {
    let (status, page, errors) = freeze(&["explain", "FRZ0201"]);
    assert_eq!((status, page.as_str(), errors.as_str()), (0, Code::SelectsNothing.page(), ""));
    assert_eq!(freeze(&["explain", "frz0201"]).1, page);
}

#[test]
fn all_of_them_in_order() {
    let (status, pages, _) = freeze(&["explain", "--all"]);
    assert_eq!(status, 0);
    let titles: Vec<&str> = pages
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(':'))
        .map(|(code, _)| code)
        .collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(titles, codes);
}

#[test]
fn an_unknown_code_is_answered_with_the_nearest() {
    let (status, page, errors) = freeze(&["explain", "FRZ021"]);
    assert_eq!((status, page.as_str()), (2, ""));
    assert_eq!(
        errors,
        "error: there is no finding `FRZ021`; did you mean `FRZ0201` \
         (a selector selects no parameter)?\n"
    );
    let (status, _, errors) = freeze(&["explain", "E0308"]);
    assert_eq!((status, errors.as_str()), (2, "error: there is no finding `E0308`\n"));
}

#[test]
fn a_code_or_all_is_needed_and_not_both() {
    for wrong in [&["explain"][..], &["explain", "--all", "FRZ0201"]] {
        let (status, page, errors) = freeze(wrong);
        assert_eq!((status, page.as_str()), (2, ""));
        assert!(errors.contains("--all"), "{errors}");
    }
}

"""Target rules: to whom each item of the catalogue is owed, one function a version, its month in the name.

A rule speaks of one person in one month and reads no register. Where a fact is asked of the person and not known, the item
is not owed and not refused: ``may_owe_…`` says that it must be asked for.
"""

from __future__ import annotations

from yucun.kernel.rules import Column, Law, RuleBook, Subject, full_months, full_years
from yucun.services.entitlements.models import ROLES, make_variables


def years_from_1986_01(person: Subject) -> Column:
    """民法典第十七条：周岁 | Civil Code, art. 17: completed years at the end of the month; blank where no birth is known."""
    return full_years(person["birth"], person.period.end)


def _is(condition: Column) -> Column:
    """False where a day of birth is not known."""
    return condition.fill_null(False)


def _is_newborn(person: Subject) -> Column:
    """Born in the month that is asked about, or not a full month before its end."""
    return _is(full_months(person["birth"], person.period.end) == 0)


def _is_born_and_below(person: Subject, age: int) -> Column:
    """Born by the end of the month, and not of that age yet; who is born later has no years, not few."""
    return _is((person["years"] >= 0) & (person["years"] < age))


def _alive(person: Subject) -> Column:
    return ~person["is_dead"]


def _is_disabled(person: Subject) -> Column:
    return person["disability_kind"] != "none"


def _is_poor(person: Subject) -> Column:
    return (person["class"] == "dibao") | (person["class"] == "tekun")


def _is_pupil_age(person: Subject, law: Law) -> Column:
    years = person["years"]
    return _is((years >= law["school_age"]) & (years < law["school_age"] + law["schooling_years"]))


def _is_pupil(person: Subject, law: Law) -> Column:
    in_school = (person["studies"] == "primary") | (person["studies"] == "junior")
    return _alive(person) & (_is_pupil_age(person, law) | in_school)


# -- who is of an age to work, and whose family has no work ------------------------------------------------------------------


def is_of_work_age_from_2008_01(person: Subject, law: Law) -> Column:
    """就业促进法第五十六条：法定劳动年龄 | Employment Promotion Law, art. 56: of working age, not at school, not retired."""
    years = person["years"]
    is_other = (person["work"] == "student") | (person["work"] == "retired") | (person["work"] == "child")
    return _is((years >= law["work_age"]) & (years < law["old_age"])) & ~is_other & _alive(person)


def is_seeking_from_2008_01(person: Subject) -> Column:
    """就业促进法第五十六条：失业 | Employment Promotion Law, art. 56: of working age and jobless."""
    return person["is_of_work_age"] & (person["work"] == "jobless")


def brings_no_wage_from_2008_01(person: Subject) -> Column:
    """就业促进法第五十六条：不在劳动年龄，或失业 | Employment Promotion Law, art. 56: not of working age, or jobless."""
    return ~person["is_of_work_age"] | person["is_seeking"]


def is_jobless_home_from_2008_01(household: Subject) -> Column:
    """就业促进法第五十六条：劳动年龄内成员均失业 | Employment Promotion Law, art. 56: all members of working age are jobless."""
    return household.any("is_seeking") & household.all("brings_no_wage")


# -- children ---------------------------------------------------------------------------------------------------------------


def owes_birth_certificate_from_1995_06(person: Subject) -> Column:
    """母婴保健法第二十三条 | Maternal and Infant Health Care Law, art. 23: a certificate of birth for each newborn child."""
    return _is_newborn(person)


def owes_newborn_screening_from_2010_01(person: Subject) -> Column:
    """浙江省残疾人保障条例第十条 | Zhejiang Regulations on Disabled Persons, art. 10: newborn children are screened free."""
    return _is_newborn(person) & _alive(person)


def owes_vaccination_card_from_2019_12(person: Subject) -> Column:
    """疫苗管理法第四十七条 | Vaccine Law, art. 47: within a month of birth a card is made."""
    return _is_newborn(person) & _alive(person)


def owes_vaccines_from_2019_12(person: Subject, law: Law) -> Column:
    """疫苗管理法第六条、第四十九条 | Vaccine Law, arts. 6 and 49: children of the age are vaccinated free of charge."""
    return _is_born_and_below(person, law["vaccine_age"]) & _alive(person)


def owes_infant_care_from_1995_06(person: Subject, law: Law) -> Column:
    """母婴保健法第二十四条 | Maternal and Infant Health Care Law, art. 24: infants are checked, their mothers advised."""
    return _is_born_and_below(person, law["infant_age"]) & _alive(person)


# -- school -----------------------------------------------------------------------------------------------------------------


def owes_compulsory_school_from_2006_09(person: Subject, law: Law) -> Column:
    """义务教育法第二条、第十一条 | Compulsory Education Law, arts. 2 and 11: nine years from six on, without fees."""
    return _is_pupil(person, law)


def owes_textbooks_from_2006_09(person: Subject, law: Law) -> Column:
    """义务教育法第四十四条 | Compulsory Education Law, art. 44: pupils in hardship get textbooks and boarding grants."""
    return _is_pupil(person, law) & _is_poor(person)


def owes_disabled_textbooks_from_2008_07(person: Subject, law: Law) -> Column:
    """残疾人保障法第二十一条 | Law on Disabled Persons, art. 21: disabled pupils get textbooks and grants."""
    return _is_pupil(person, law) & _is_disabled(person)


def owes_special_school_from_2006_09(person: Subject, law: Law) -> Column:
    """义务教育法第十九条 | Compulsory Education Law, art. 19: schooling that fits a disabled child."""
    return _is_pupil(person, law) & _is_disabled(person)


# -- work -------------------------------------------------------------------------------------------------------------------


def owes_job_service_from_2008_01(person: Subject) -> Column:
    """就业促进法第三十五条 | Employment Promotion Law, art. 35: who looks for work is served free of charge."""
    return person["is_seeking"]


def owes_job_training_from_2008_01(person: Subject) -> Column:
    """就业促进法第四十九条 | Employment Promotion Law, art. 49: the jobless get a subsidy for training."""
    return person["is_seeking"]


def owes_job_for_family_from_2008_01(person: Subject) -> Column:
    """就业促进法第五十六条 | Employment Promotion Law, art. 56: a family without any work gets at least one job."""
    return person["is_seeking"] & person.household["is_jobless_home"]


def owes_disabled_jobs_from_2008_07(person: Subject) -> Column:
    """残疾人保障法第三十七条 | Law on Disabled Persons, art. 37: free employment service for disabled people."""
    return person["is_of_work_age"] & _is_disabled(person)


def owes_unemployment_benefit_from_2011_07(person: Subject, law: Law) -> Column:
    """社会保险法第四十五条 | Social Insurance Law, art. 45: a year of contributions, not left by own will, looking for work."""
    is_insured = _is(person["insured_months"] >= law["unemployment_months"])
    return person["is_seeking"] & is_insured & _is(~person["left_by_own_will"])


def may_owe_unemployment_benefit_from_2011_07(person: Subject, law: Law) -> Column:
    """社会保险法第四十五条 | Social Insurance Law, art. 45: contributions or the reason of leaving are not known."""
    is_short = _is(person["insured_months"] < law["unemployment_months"])
    is_unknown = person["insured_months"].isnull() | person["left_by_own_will"].isnull()
    return person["is_seeking"] & is_unknown & ~is_short & ~_is(person["left_by_own_will"])


def owes_jobless_medical_from_2011_07(person: Subject) -> Column:
    """社会保险法第四十八条 | Social Insurance Law, art. 48: who draws unemployment benefit is in the medical insurance."""
    return person["owes_unemployment_benefit"]


# -- health -----------------------------------------------------------------------------------------------------------------


def owes_public_health_from_2020_06(person: Subject) -> Column:
    """基本医疗卫生与健康促进法第十五条 | Basic Healthcare Law, art. 15: basic public health services are free to all."""
    return _alive(person)


def owes_family_doctor_from_2020_06(person: Subject) -> Column:
    """基本医疗卫生与健康促进法第三十一条 | Basic Healthcare Law, art. 31: residents may sign with a family doctor."""
    return _alive(person)


def owes_premium_from_2014_11(person: Subject) -> Column:
    """社会保险法第二十五条 | Social Insurance Law, art. 25: premiums of people in hardship are paid for."""
    return _alive(person) & (person["class"] != "none")


# -- old age and death ------------------------------------------------------------------------------------------------------


def owes_pension_from_2011_07(person: Subject, law: Law) -> Column:
    """社会保险法第十六条 | Social Insurance Law, art. 16: at the legal age with fifteen years of contributions."""
    return _alive(person) & (person["work"] == "retired") & _is(person["insured_months"] >= law["pension_months"])


def may_owe_pension_from_2011_07(person: Subject) -> Column:
    """社会保险法第十六条 | Social Insurance Law, art. 16: how long contributions were paid is not known."""
    return _alive(person) & (person["work"] == "retired") & person["insured_months"].isnull()


def owes_resident_pension_from_2014_03(person: Subject, law: Law) -> Column:
    """社会保险法第二十条至第二十二条 | Social Insurance Law, arts. 20 to 22: old residents without an employees' pension."""
    is_old = _is(person["years"] >= law["resident_pension_age"])
    return _alive(person) & is_old & _is(person["insured_months"] < law["pension_months"])


def may_owe_resident_pension_from_2014_03(person: Subject, law: Law) -> Column:
    """社会保险法第二十条至第二十二条 | Social Insurance Law, arts. 20 to 22: whether an employees' pension is drawn is not known."""
    is_old = _is(person["years"] >= law["resident_pension_age"])
    return _alive(person) & is_old & (person["work"] != "retired") & person["insured_months"].isnull()


def owes_old_health_from_2020_06(person: Subject, law: Law) -> Column:
    """基本医疗卫生与健康促进法第二十五条 | Basic Healthcare Law, art. 25: old people's health is looked after."""
    return _alive(person) & _is(person["years"] >= law["health_age"])


def owes_old_places_from_2013_07(person: Subject, law: Law) -> Column:
    """老年人权益保障法第五十九条 | Law on the Elderly, art. 59: museums, libraries and parks are open free or cheaper."""
    return _alive(person) & _is(person["years"] >= law["old_age"])


def owes_old_care_from_2013_07(person: Subject, law: Law) -> Column:
    """老年人权益保障法第三十条 | Law on the Elderly, art. 30: in hardship, and unable to look after oneself."""
    is_old = _is(person["years"] >= law["old_age"])
    return _alive(person) & is_old & _is_poor(person) & _is(person["cannot_live_alone"])


def may_owe_old_care_from_2013_07(person: Subject, law: Law) -> Column:
    """老年人权益保障法第三十条 | Law on the Elderly, art. 30: whether the person can look after herself is not known."""
    is_old = _is(person["years"] >= law["old_age"])
    return _alive(person) & is_old & _is_poor(person) & person["cannot_live_alone"].isnull()


def owes_funeral_grant_from_2011_07(person: Subject) -> Column:
    """社会保险法第十七条 | Social Insurance Law, art. 17: survivors of the insured get a grant for the funeral."""
    return person["is_dead"] & _is(person["insured_months"] > 0)


def may_owe_funeral_grant_from_2011_07(person: Subject) -> Column:
    """社会保险法第十七条 | Social Insurance Law, art. 17: whether the dead was insured is not known."""
    return person["is_dead"] & person["insured_months"].isnull()


# -- disability, law, culture -----------------------------------------------------------------------------------------------


def owes_disabled_transit_from_2010_01(person: Subject, law: Law) -> Column:
    """浙江省残疾人保障条例第二十八条 | Zhejiang Regulations on Disabled Persons, art. 28: the severely disabled ride free."""
    is_severe = (person["disability_grade"] >= 1) & (person["disability_grade"] <= law["severe_grade"])
    return _alive(person) & _is_disabled(person) & is_severe


def owes_disabled_places_from_2010_01(person: Subject) -> Column:
    """浙江省残疾人保障条例第二十三条 | Zhejiang Regulations on Disabled Persons, art. 23: culture and sport without charge."""
    return _alive(person) & _is_disabled(person)


def owes_child_rehabilitation_from_2010_01(person: Subject, law: Law) -> Column:
    """浙江省残疾人保障条例第十三条 | Zhejiang Regulations on Disabled Persons, art. 13: poor disabled children, free of charge."""
    is_child = _is_born_and_below(person, law["child_age"])
    return _alive(person) & _is_disabled(person) & is_child & _is_poor(person)


def owes_legal_aid_from_2022_01(person: Subject) -> Column:
    """法律援助法第四十二条 | Legal Aid Law, art. 42: people under relief need no check of means."""
    return _alive(person) & (person["class"] != "none")


def owes_public_culture_from_2018_03(person: Subject) -> Column:
    """浙江省公共文化服务保障条例第十六条 | Zhejiang Public Culture Regulations, art. 16: basic services are free to the public."""
    return _alive(person)


_FORMULAS = [one for name, one in list(globals().items()) if "_from_" in name and not name.startswith("_")]
_RULED = {
    name.removeprefix("owes_").rpartition("_from_")[0]: False for name in list(globals()) if name.startswith("owes_")
}
_RULED |= {
    name.removeprefix("may_owe_").rpartition("_from_")[0]: True
    for name in list(globals())
    if name.startswith("may_owe_")
}
BOOK = RuleBook.build("entitlements", ROLES, make_variables(_RULED), _FORMULAS)
